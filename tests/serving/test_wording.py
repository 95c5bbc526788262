"""Both languages say everything: the same codes, each with a sentence of its own."""

from datetime import date
from typing import get_args

import pytest

from serving.schemas import ReasonCode
from serving.wording import russian_plural, wording

COUNTED = {"bought_before", "seen_before"}


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_every_code_has_a_sentence_in_every_language(locale: str) -> None:
    words = wording(locale)
    assert {*words.sentences, *COUNTED} == set(get_args(ReasonCode))
    for code in words.sentences:
        sentence = words.say(code, "NAME")
        assert sentence[0].isupper()
        assert "{" not in sentence
        assert any("а" <= letter <= "я" for letter in sentence.lower()) == (locale == "ru")
    for code in COUNTED:
        once, often = (words.again(code, count, date(2026, 11, 21)) for count in (1, 3))
        assert once != often
        assert "3" in often


@pytest.mark.parametrize("locale", [None, "", "en-GB", "de", "rub"])
def test_whatever_is_not_russian_is_english(locale: str | None) -> None:
    assert wording(locale) is wording("en")
    assert wording("ru_RU") is wording("RU") is not wording("en")


@pytest.mark.parametrize("title", ["Чай «Нури»", 'Чай "Нури"', "Чай „Нури“"])
def test_quotes_inside_of_russian_quotes_are_others(title: str) -> None:
    assert wording("ru").say("similar_to", title) == "Похоже на «Чай „Нури“»"
    assert wording("en").say("similar_to", title) == f"Similar to {title}"
    assert wording("ru").say("similar_to", 'Телевизор 55"') == 'Похоже на «Телевизор 55"»'


def test_russian_plurals_follow_the_last_two_digits() -> None:
    forms = [russian_plural(count, "one", "few", "many") for count in range(200)]
    assert forms[:6] == ["many", "one", "few", "few", "few", "many"]
    assert forms[11:15] == ["many"] * 4
    assert forms[20:26] == ["many", "one", "few", "few", "few", "many"]
    assert forms[100:] == forms[:100]
