"""Reasons: the product that adds most is the one that is named, and people read a true sentence."""

import numpy as np
import pytest

from models.recommenders.base import Query
from serving.reasons import reasons

DAY = 17_476.0  # 2017-11-06


def query(*entries: tuple[str, float, float]) -> Query:
    ids, days, weights = zip(*entries, strict=True)
    return Query(DAY, np.array(ids, object), np.array(days), np.array(weights))


def test_repeats_of_a_product_count_together() -> None:
    asked = query(("tea", DAY - 30, 1.0), ("milk", DAY - 20, 1.0), ("tea", DAY - 3, 1.0))
    contributions = np.array([[0.4, 0.4], [0.6, 0.9], [0.4, 0.4]])
    first, second = reasons(asked, 0, contributions, ["tea", "cake"], str.upper, len)
    assert (first.code, first.text) == ("bought_before", "You bought it 2 times, last on 2017-11-03")
    assert (second.code, second.item_id, second.text) == ("because_you_bought", "milk", "Because you bought MILK")


def test_what_was_only_looked_at_is_not_called_bought() -> None:
    asked = query(("tea", DAY - 1, 0.1), ("tea", DAY, 0.3))
    same, other = reasons(asked, 0, np.ones((2, 2)), ["tea", "cake"], str, len)
    assert (same.code, same.text) == ("seen_before", "You looked at it 2 times, last on 2017-11-06")
    assert other.code == "because_you_saw"


def test_only_orders_are_counted_as_bought() -> None:
    asked = query(("tea", DAY - 9, 1.0), ("tea", DAY, 0.1), ("tea", DAY, 0.1))
    (reason,) = reasons(asked, 0, np.ones((3, 1)), ["tea"], str, len)
    assert reason.text == "You bought it once, last on 2017-10-28"


def test_what_is_on_the_page_is_not_called_bought() -> None:
    asked = query(("milk", DAY - 9, 1.0), ("tea", DAY, 1.0))
    (reason,) = reasons(asked, 1, np.array([[0.1], [0.9]]), ["cake"], str, len)
    assert (reason.code, reason.item_id) == ("bought_with", "tea")


@pytest.mark.parametrize("contributions", [np.zeros((1, 2)), np.array([[-0.5, 0.0]])])
def test_what_nothing_speaks_for_is_popular(contributions: np.ndarray) -> None:
    found = reasons(query(("tea", DAY, 1.0)), 0, contributions, ["milk", "cake"], str, len)
    assert [reason.code for reason in found] == ["popular", "popular"]


def test_no_history_and_no_items() -> None:
    assert [reason.code for reason in reasons(Query(DAY), 0, np.zeros((0, 1)), ["milk"], str, len)] == ["popular"]
    assert reasons(query(("tea", DAY, 1.0)), 0, np.zeros((1, 0)), [], str, len) == []


def test_what_is_popular_says_with_how_many() -> None:
    buyers = {"milk": 1_204, "tea": 1, "new": 0}
    found = reasons(Query(DAY), 0, np.zeros((0, 3)), list(buyers), str, buyers.__getitem__)
    plain = "Popular with other customers"
    assert [reason.text for reason in found] == ["1,204 customers bought it lately", plain, plain]
