"""Asked about earlier days the calendar learns how far it was off: by chance alone that is nothing."""

from datetime import timedelta

import numpy as np
import pytest

from features.purchases import last_day
from models.time_to_event.purchases import Purchases
from tests.training.reports.test_restock_days import AS_OF, table
from training.reports.restock_days import DAYS, chances_of_days, due_days
from training.reports.restock_past import Past, came, swing


def planted(off: float, days: int = DAYS, seed: int = 0) -> Past:
    """Of a thousand foreseen on each day, as many come as chance and a common share `off` make of them."""
    rng = np.random.default_rng(seed)
    foreseen = np.full(days, 1_000.0)
    return Past(foreseen, foreseen, rng.poisson(foreseen * (1 + off * rng.standard_normal(days))).astype(np.float64))


def test_what_chance_explains_is_no_swing() -> None:
    assert np.mean([swing([planted(0.0, seed=seed)]) or 0.0 for seed in range(20)]) < 0.015


@pytest.mark.parametrize("off", [0.1, 0.25])
def test_what_moved_all_customers_is_found(off: float) -> None:
    assert swing([planted(off, seed=seed) for seed in range(3)]) == pytest.approx(off, rel=0.2)


def test_without_a_past_nothing_is_known() -> None:
    assert swing([]) is None
    assert swing([Past(np.zeros(DAYS), np.zeros(DAYS), np.zeros(DAYS))]) is None


def test_intervals_of_that_width_hold_as_often_as_they_say() -> None:
    many = table([[0.05, 0.02]] * 2_000)
    rng, off = np.random.default_rng(1), 0.15
    found = due_days(many, off)
    mean, variance = chances_of_days(many)
    inside = []
    for _ in range(200):
        shocked = mean * (1 + off * rng.standard_normal(DAYS)) + np.sqrt(variance) * rng.standard_normal(DAYS)
        low, high = (np.array([getattr(day.customers, end) for day in found]) for end in ("low", "high"))
        inside.append(np.mean((shocked >= low) & (shocked <= high)))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_the_days_of_the_week_are_those_of_the_calendar() -> None:
    some = table([[0.05, 0.02]] * 50)
    monday = np.where(np.arange(7) == 4, 4.0, 0.5)  # 1970-01-01 was a Thursday
    plain, shaped = due_days(some), due_days(some, weekdays=monday)
    for before, after in zip(plain, shaped, strict=True):
        times = 4.0 if after.day.weekday() == 0 else 0.5
        assert after.customers.mean == pytest.approx(min(times * (before.customers.mean or 0.0), 50.0), abs=1e-3)
    assert all((day.customers.mean or 0) <= 50 for day in due_days(table([[0.9]] * 50, 1.5), weekdays=monday))


def test_who_came_is_counted_once_a_day_for_what_was_foreseen_first() -> None:
    due, day = table([[0.1, 0.1], [0.1]]), last_day(AS_OF)
    rows = [(0, 0, -1), (0, 0, 3), (0, 1, 3), (0, 0, 20), (1, 2, 30), (1, 0, 3), (2, 0, 3), (0, 1, DAYS + 1)]
    who, what, when = (np.array(column) for column in zip(*rows, strict=True))
    bought = Purchases.of(
        who.astype(np.int32),
        what.astype(np.int32),
        (day + when).astype(np.int32),
        np.ones(len(rows)),
        np.ones(len(rows)),
        np.array(["food/0", "food/1", "food/2"], object),
        np.zeros(3, np.int32),
        np.array(["food"], object),
        3,
        day + 60,
    )
    found = came(due, bought, np.array(["c00000", "c00001", "c00002"], object))
    assert {place + 1: count for place, count in enumerate(found.tolist()) if count} == {3: 1.0, 30: 1.0}
    assert len(found) == DAYS
    later = table([[0.1]])
    later = type(later)(AS_OF + timedelta(days=100), 1, later.customer_ids, later.starts, later.columns)
    assert not came(later, bought, np.array(["c00000", "c00001", "c00002"], object)).any()
