"""What a customer shows of each product, against the same counted by hand."""

import numpy as np
import pytest

from models.recommenders.own_history import CONTEXT, OWN, OwnHistory
from tests.models.recommenders.world import query

DAYS = np.array([17_400.2, 17_410.5, 17_410.9, 17_430.1, 17_430.1, 17_490.7])
CODES = np.array([3, 3, 3, 3, 5, 5], np.int32)
HISTORY = OwnHistory.of(query(["a", "a", "a", "a", "b", "b"], DAYS, np.array([1.0, 1.0, 0.3, 1.0, 1.0, 0.1])), CODES)


def of(code: int, name: str) -> float:
    return float(HISTORY.rows(np.array([code]))[0, OWN.index(name)])


def test_a_day_is_one_trip_whatever_was_touched_on_it() -> None:
    assert of(3, "own_trips") == 3
    assert of(5, "own_trips") == 2
    assert HISTORY.trips == 4
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
    row = HISTORY.rows(np.array([0, 4, 99]))
    assert not row[:, : OWN.index("own_since")].any()
    assert np.isnan(row[:, OWN.index("own_since") :]).all()


def test_the_customer_alone() -> None:
    context = dict(zip(CONTEXT, HISTORY.context, strict=True))
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
        again = OwnHistory.of(asked, CODES[order])
        straight = OwnHistory.of(query(["a", "a", "a", "a", "b", "b"], DAYS, np.ones(6)), CODES)
        assert np.array_equal(again.own, straight.own, equal_nan=True)
        assert np.array_equal(again.context, straight.context)


def test_who_comes_back_after_years_is_seen_as_he_was() -> None:
    late = OwnHistory.of(query(["a"], np.array([10_000.0])), np.array([3], np.int32))
    assert late.rows(np.array([3]))[0, OWN.index("own_since")] == 28
