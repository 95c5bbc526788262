"""The lines that an answer goes with: the whole cart, or the latest that the customer did."""

import numpy as np
import pytest

from models.recommenders.base import Query
from models.recommenders.cart import Lines
from models.recommenders.vocabulary import Vocabulary
from tests.models.recommenders.world import UNTIL

KNOWN = Vocabulary(np.array(list("abcd"), object))


def asked(history: list[tuple[str, float, float]], *context: str, day: float = UNTIL) -> Query:
    ids, days, weights = ([entry[place] for entry in history] for place in range(3))
    return Query(day, np.array(ids, object), np.array(days, float), np.array(weights, float), context)


def test_the_cart_is_read_whole_each_product_once() -> None:
    lines = Lines.of_context(asked([], "c", "never seen", "a", "c"), KNOWN)
    assert lines.products.tolist() == [0, 2]
    assert lines.weights.tolist() == [1, 1]


def test_the_newest_entries_with_its_product_stand_for_a_line() -> None:
    history = [("a", UNTIL - 5, 1.0), ("b", UNTIL - 4, 1.0), ("a", UNTIL, 0.1), ("a", UNTIL, 1.0)]
    lines = Lines.of_context(asked(history, "a", "d"), KNOWN)
    assert lines.entries.tolist() == [2, 3]
    shares = lines.shared_out(np.array([[4.0, 2.0], [9.0, 9.0]]))
    assert shares.tolist() == [[0, 0], [0, 0], [2, 1], [2, 1]]


def test_the_latest_session_ends_with_the_latest_known_interaction() -> None:
    history = [
        ("d", UNTIL - 9, 1.0),
        ("a", UNTIL - 5.2, 1.0),
        ("b", UNTIL - 5, 0.1),
        ("b", UNTIL - 5, 0.3),
        ("x", UNTIL, 1),
    ]
    lines = Lines.of_latest(asked(history), KNOWN, 0.25)
    assert lines.products.tolist() == [0, 1]
    assert lines.weights.tolist() == [1.0, 0.3]
    assert lines.shared_out(np.array([[1.0], [8.0]])).ravel().tolist() == [0, 1, 4, 4, 0]
    assert Lines.of_latest(asked(history), KNOWN, 5.0).products.tolist() == [0, 1, 3]


def test_what_lies_in_the_future_counts_as_of_now() -> None:
    lines = Lines.of_latest(asked([("a", UNTIL - 0.1, 1), ("b", UNTIL + 50, 1)]), KNOWN, 0.25)
    assert lines.products.tolist() == [0, 1]


@pytest.mark.parametrize("history", [[], [("x", UNTIL, 1.0)]])
def test_nothing_known_is_no_line(history: list[tuple[str, float, float]]) -> None:
    for lines in (Lines.of_context(asked(history, "y"), KNOWN), Lines.of_latest(asked(history), KNOWN, 1.0)):
        assert lines.products.size == 0
        assert lines.shared_out(np.zeros((0, 3))).shape == (len(history), 3)
