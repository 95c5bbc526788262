"""Trend and loyalty, by hand."""

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.item_statistics import loyalty, trend
from tests.models.recommenders.world import UNTIL


def shop(rows: list[tuple[int, int, float]], items: int) -> Interactions:
    customers, codes, ages = zip(*rows, strict=True) if rows else ((), (), ())
    return Interactions(
        customers=np.array(customers, np.int32),
        items=np.array(codes, np.int32),
        days=UNTIL - np.array(ages, np.float64),
        weights=np.ones(len(rows)),
        item_ids=np.array([f"i{code}" for code in range(items)], object),
        customer_count=max(customers, default=-1) + 1,
        until=UNTIL,
    )


def test_trend_is_above_one_for_what_sells_lately_and_below_for_what_did() -> None:
    steady = [(0, 0, float(age)) for age in range(700)]
    rising = [(0, 1, float(age)) for age in range(7)]
    fallen = [(0, 2, float(age)) for age in range(60, 200)]
    found = trend(shop(steady + rising + fallen, 4))
    assert found[0] == pytest.approx(1, abs=0.1)
    assert found[1] > 3
    assert found[2] < 0.2
    assert found[3] == 1


def test_loyalty_counts_customers_who_came_back_on_another_day() -> None:
    came_back = [(customer, 0, age) for customer in range(60) for age in (0.6, 9.6)]
    same_day = [(customer, 1, age) for customer in range(60) for age in (3.2, 3.4)]
    found = loyalty(shop(came_back + same_day, 3))
    average = 60 / 120
    assert found.tolist() == pytest.approx([(60 + 20 * average) / 80 / average, (20 * average) / 80 / average, 1.0])


def test_without_a_repeat_all_are_alike() -> None:
    assert loyalty(shop([(0, 0, 1.0)], 2)).tolist() == [1.0, 1.0]
    assert loyalty(shop([], 2)).tolist() == [1.0, 1.0]
    assert loyalty(shop([], 0)).tolist() == []


def test_what_is_remembered_is_that_of_the_same_history() -> None:
    rows = [(customer, 0, age) for customer in range(30) for age in (0.6, 9.6)]
    rows += [(customer, 1, 30.2) for customer in range(30)]
    for statistic in (trend, loyalty):
        first, other = shop(rows, 2), shop([(customer, 1 - item, age) for customer, item, age in rows], 2)
        assert statistic(first).tolist() == statistic(other)[::-1].tolist() != statistic(other).tolist()
        assert statistic(first) is statistic(first)
        assert not statistic(first).flags.writeable


def test_the_order_of_the_rows_does_not_show_in_the_last_digit() -> None:
    rng = np.random.default_rng(3)
    rows = [(int(rng.integers(9)), int(rng.integers(3)), float(age)) for age in rng.random(2_000) * 400]
    assert trend(shop(rows, 3)).tolist() == trend(shop(rows[::-1], 3)).tolist()


def test_rates_are_sums_of_what_each_interaction_still_counts() -> None:
    rows = [(0, 0, 0.0), (0, 0, 7.0), (1, 0, 120.0), (1, 1, 300.0)]
    lately = np.array([1 + 0.5 + 2 ** (-120 / 7), 2 ** (-300 / 7)])
    usually = np.array([1 + 2 ** (-7 / 120) + 0.5, 2 ** (-300 / 120)]) * 7 / 120
    assert trend(shop(rows, 2)) == pytest.approx((lately + 0.2) / (usually + 0.2), rel=1e-9)
