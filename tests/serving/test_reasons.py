"""Reasons: the product that adds most is the one that is named, and people read a true sentence, in their language."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.recommenders.base import Query
from serving.choose import page_query
from serving.placements import Ask
from serving.reasons import Found, Shop, reasons
from serving.recommendation import Reason
from serving.wording import wording

DAY = 17_476.0  # 2017-11-06
BUYERS = {"milk": 1_204, "tea": 1, "new": 0}
CODES = ("milk", "tea", "cake", "bun", "new")
SHOP = Shop(
    str.upper,
    {"tea": "Hot drinks"}.get,
    lambda id_: BUYERS.get(id_, 0),
    lambda ids: np.array([CODES.index(id_) if id_ in CODES else -1 for id_ in ids], np.int32),
)


def query(*entries: tuple[str, float, float]) -> Query:
    ids, days, weights = zip(*entries, strict=True)
    return Query(DAY, np.array(ids, object), np.array(days), np.array(weights))


def told(
    asked: Query, contributions: Any, ids: list[str], ask: Ask = "history", source: str = "rp3beta", locale: str = "en"
) -> list[Reason]:
    (found,) = reasons([Found(asked, ask, source, contributions, ids, wording(locale))], SHOP)
    return found


def test_repeats_of_a_product_count_together() -> None:
    asked = query(("tea", DAY - 30, 1.0), ("milk", DAY - 20, 1.0), ("tea", DAY - 3, 1.0))
    contributions = np.array([[0.4, 0.4], [0.6, 0.9], [0.4, 0.4]])
    first, second = told(asked, contributions, ["tea", "cake"])
    assert (first.code, first.text) == ("bought_before", "You bought it 2 times, last on 2017-11-03")
    assert (second.code, second.item_id, second.text) == ("because_you_bought", "milk", "Because you bought MILK")


def test_what_was_only_looked_at_is_not_called_bought() -> None:
    asked = query(("tea", DAY - 1, 0.1), ("tea", DAY, 0.3))
    same, other = told(asked, np.ones((2, 2)), ["tea", "cake"])
    assert (same.code, same.text) == ("seen_before", "You looked at it 2 times, last on 2017-11-06")
    assert other.code == "because_you_saw"


def test_only_orders_are_counted_as_bought() -> None:
    asked = query(("tea", DAY - 9, 1.0), ("tea", DAY, 0.1), ("tea", DAY, 0.1))
    (reason,) = told(asked, np.ones((3, 1)), ["tea"])
    assert reason.text == "You bought it once, last on 2017-10-28"


def test_what_is_on_the_page_is_not_called_bought() -> None:
    (reason,) = told(page_query(DAY, ["milk", "tea"]), np.array([[0.1], [0.9]]), ["cake"], "page")
    assert (reason.code, reason.item_id, reason.text) == ("bought_with", "tea", "Often bought with TEA")


@pytest.mark.parametrize(("source", "code"), [("content", "similar_to"), ("item_item", "bought_with")])
def test_what_is_similar_names_the_nearest_product_of_the_page(source: str, code: str) -> None:
    asked = page_query(DAY, ["milk", "tea"])
    first, second = told(asked, np.array([[0.9, 0.1], [0.1, 0.2]]), ["cake", "bun"], "similar", source)
    assert [(first.code, first.item_id), (second.code, second.item_id)] == [(code, "milk"), (code, "tea")]
    (single,) = told(page_query(DAY, ["tea"]), np.zeros((1, 1)), ["cake"], "similar", source)
    assert single.item_id == "tea"


@pytest.mark.parametrize("contributions", [np.zeros((1, 2)), np.array([[-0.5, 0.0]])])
def test_what_nothing_speaks_for_is_popular(contributions: np.ndarray) -> None:
    found = told(query(("tea", DAY, 1.0)), contributions, ["milk", "cake"])
    assert [reason.code for reason in found] == ["popular", "popular"]


def test_no_history_and_no_items() -> None:
    assert [reason.code for reason in told(Query(DAY), np.zeros((0, 1)), ["milk"])] == ["popular"]
    assert told(query(("tea", DAY, 1.0)), np.zeros((1, 0)), []) == []


def test_what_is_popular_says_with_how_many() -> None:
    plain = "Popular with other customers"
    texts = [reason.text for reason in told(Query(DAY), np.zeros((0, 3)), list(BUYERS), source="popularity")]
    assert texts == ["1,204 customers bought it lately", plain, plain]


def test_sources_that_say_something_of_their_own() -> None:
    asked = query(("tea", DAY - 1, 1.0))
    for source, expected in (
        ("trending", ["trending", "trending"]),
        ("new", ["new", "new"]),
        ("category_popularity", ["popular_in_category", "popular"]),
        ("buy_again", ["bought_before", "popular"]),
    ):
        found = told(asked, np.zeros((1, 2)), ["tea", "milk"], source=source)
        assert [reason.code for reason in found] == expected, source
    assert told(asked, np.ones((1, 1)), ["tea"], source="category_popularity")[0].text == "Popular in Hot drinks"


def test_a_search_is_quoted() -> None:
    (reason,) = told(replace(Query(DAY), text="green tea"), np.zeros((0, 1)), ["tea"], "search", "content")
    assert (reason.code, reason.text) == ("matches_search", "Matches “green tea”")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "Вы купили это один раз, 05.11.2017"),
        (2, "Вы покупали это 2 раза, последний раз 05.11.2017"),
        (5, "Вы покупали это 5 раз, последний раз 05.11.2017"),
        (21, "Вы покупали это 21 раз, последний раз 05.11.2017"),
        (112, "Вы покупали это 112 раз, последний раз 05.11.2017"),
    ],
)
def test_russian_counts_as_russian_does(count: int, text: str) -> None:
    asked = query(*[("tea", DAY - 1, 1.0)] * count)
    (reason,) = told(asked, np.ones((count, 1)), ["tea"], locale="ru-RU")
    assert reason.text == text
