"""What a customer shows of each product, against the same counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.arrays import Floats
from models.recommenders.own_history import CONTEXT, OWN, OwnHistories
from tests.models.recommenders.world import query

DAYS = np.array([17_400.2, 17_410.5, 17_410.9, 17_430.1, 17_430.1, 17_490.7])
CODES = np.array([3, 3, 3, 3, 5, 5], np.int32)
WIDTH = 100
ASKED = query(["a", "a", "a", "a", "b", "b"], DAYS, np.array([1.0, 1.0, 0.3, 1.0, 1.0, 0.1]))
HISTORY = OwnHistories.of([ASKED], [CODES], WIDTH)


def rows(histories: OwnHistories, cells: NDArray[np.int64]) -> Floats:
    """What is shown of each cell, (len(OWN), cells)."""
    touched, found, columns = histories.rows(cells)
    assert found.shape == (len(OWN), len(touched) + 1)
    return found[:, columns]


def of(code: int, name: str) -> float:
    return float(rows(HISTORY, np.array([code]))[OWN.index(name), 0])


def test_a_day_is_one_trip_whatever_was_touched_on_it() -> None:
    assert of(3, "own_trips") == 3
    assert of(5, "own_trips") == 2
    assert len(HISTORY.days) == 4
    assert of(3, "own_trip_share") == 3 / 4
    assert of(3, "own_weight") == pytest.approx(3.3)
    assert of(5, "own_heaviest") == 1


def test_both_clocks() -> None:
    assert of(3, "own_since") == pytest.approx(17_500 - 17_430)
    assert of(3, "own_since_trips") == 1
    assert of(5, "own_since_trips") == 0
    assert of(3, "own_interval") == 15
    assert of(3, "own_interval_trips") == 1
    assert of(3, "own_due") == pytest.approx(70 / 15)
    assert of(5, "own_interval") == 60
    assert of(3, "own_since_first") == 100
    assert of(3, "own_30d") == pytest.approx(sum(2 ** (-age / 30) for age in (100, 90, 70)))
    assert of(3, "own_8_trips") == pytest.approx(sum(2 ** (-back / 8) for back in (3, 2, 1)))


def test_a_product_never_touched_has_counts_of_zero_and_no_times() -> None:
    found = rows(HISTORY, np.array([0, 4, 99]))
    assert not found[: OWN.index("own_since")].any()
    assert np.isnan(found[OWN.index("own_since") :]).all()


def test_the_customer_alone() -> None:
    context = dict(zip(CONTEXT, HISTORY.context[0], strict=True))
    assert context["trips"] == 4
    assert context["entries"] == 6
    assert context["products"] == 2
    assert context["trip_interval"] == 30
    assert context["recency"] == 10
    assert context["trips_28d"] == 1
    assert context["last_basket"] == 1


def test_the_order_of_the_history_does_not_show() -> None:
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(DAYS))
        asked = query(np.array(["a", "a", "a", "a", "b", "b"], object)[order], DAYS[order], np.ones(6))
        again = OwnHistories.of([asked], [CODES[order]], WIDTH)
        straight = OwnHistories.of([query(["a", "a", "a", "a", "b", "b"], DAYS, np.ones(6))], [CODES], WIDTH)
        assert np.array_equal(rows(again, np.array([3, 5])), rows(straight, np.array([3, 5])), equal_nan=True)
        assert np.array_equal(again.context, straight.context)


def test_who_comes_back_after_years_is_seen_as_he_was() -> None:
    late = OwnHistories.of([query(["a"], np.array([10_000.0]))], [np.array([3], np.int32)], WIDTH)
    assert rows(late, np.array([3]))[OWN.index("own_since"), 0] == 28


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_customers_side_by_side_show_what_each_shows_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, codes = [], []
    for length in rng.integers(1, 30, rng.integers(1, 9)):
        known = rng.integers(-1, 8, length).astype(np.int32)
        known[0] = max(known[0], 0)
        queries.append(
            query(["a"] * length, rng.integers(17_300, 17_500, length) + 0.25, rng.integers(1, 4, length) / 3)
        )
        codes.append(known)
    together = OwnHistories.of(queries, codes, 8)
    for place, (asked, known) in enumerate(zip(queries, codes, strict=True)):
        alone = OwnHistories.of([asked], [known], 8)
        cells = np.arange(8)
        assert np.array_equal(rows(together, cells + 8 * place), rows(alone, cells), equal_nan=True)
        assert np.array_equal(together.context[place], alone.context[0])
