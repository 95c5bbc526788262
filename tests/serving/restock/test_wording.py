"""The words of restocking: each code has a sentence in both languages, and numbers take their plurals."""

from datetime import date
from typing import get_args

import pytest

from models.time_to_event.cart import Reason
from models.time_to_event.forecast import Status
from models.time_to_event.missing import Missing
from serving.restock.wording import Past, restock_wording

LAST = date(2026, 11, 4)
NOTHING = Past(0, None, None, None)


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_every_code_has_a_sentence_of_its_own(locale: str) -> None:
    words = restock_wording(locale)
    for known, codes in ((words.missing, get_args(Missing)), (words.reasons, get_args(Reason))):
        assert set(codes) <= set(known)
        assert len({known[code] for code in codes}) == len(codes)
    claims = {words.forecast(NOTHING, status, "", None) for status in get_args(Status)}
    assert len(claims) == len(get_args(Status))
    assert all(claims)


def test_both_languages_know_the_same_codes() -> None:
    english, russian = restock_wording("en"), restock_wording("ru")
    for name in ("claims", "missing", "reasons", "nothing"):
        assert getattr(english, name).keys() == getattr(russian, name).keys()
        assert getattr(english, name) != getattr(russian, name)


def test_a_code_of_tomorrow_is_said_in_general_words() -> None:
    words = restock_wording(None)
    assert words.forecast(NOTHING, "unknown", "solar_flare", None) == words.missing[""]
    assert words.reason("solar_flare", NOTHING) == words.reasons[""]


def test_a_line_of_a_cart_says_on_what_it_rests() -> None:
    past = Past(25, date(2017, 12, 21), None, 14.2)
    said = restock_wording("en").reason("overdue", past)
    assert said == "Later than usual. Bought 25 times, about every 14 days, last on 2017-12-21."


@pytest.mark.parametrize(
    ("past", "locale", "said"),
    [
        (Past(1, LAST, 1.0, None), "en", "Bought once, last on 2026-11-04 (1 pack). "),
        (Past(2, LAST, 1.5, 1.0), "en-GB", "Bought 2 times, about every day, last on 2026-11-04 (1.5 packs). "),
        (Past(2, LAST, None, 0.4), None, "Bought 2 times, about every day, last on 2026-11-04. "),
        (Past(1, LAST, 1.0, None), "ru", "Куплено 1 раз, последний раз 04.11.2026 (1 шт.). "),
        (
            Past(22, LAST, 5.0, 3.0),
            "ru_RU",
            "Куплено 22 раза, примерно раз в 3 дня, последний раз 04.11.2026 (5 шт.). ",
        ),
        (Past(11, LAST, 5.0, 11.0), "ru", "Куплено 11 раз, примерно раз в 11 дней, последний раз 04.11.2026 (5 шт.). "),
        (NOTHING, "ru", ""),
    ],
)
def test_a_past_is_summed_up_with_the_plurals_of_the_language(past: Past, locale: str | None, said: str) -> None:
    words = restock_wording(locale)
    assert words.forecast(past, "unknown", "long_ago", None) == said + words.missing["long_ago"]


def test_a_date_that_nobody_sees_is_not_made_up() -> None:
    for locale in ("en", "ru"):
        for status in get_args(Status):
            assert "None" not in restock_wording(locale).forecast(NOTHING, status, "", None)
