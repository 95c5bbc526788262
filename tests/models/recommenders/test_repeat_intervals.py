"""Planted cadences are found again; what is not known is taken from the category, then from the shop."""

from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.repeat_intervals import repeat_intervals, trips_a_day
from tests.models.recommenders.world import UNTIL, of_lines, random_shop

IDS = np.array(["coffee", "milk", "milk of another dairy", "rice"], object)
KINDS = np.array(["drinks", "dairy", "dairy", None], object)


def purchases(customers: int = 200) -> Interactions:
    """Everybody buys milk each 4 days and coffee each 30, twice a day when it happens; nobody else's milk or rice."""
    moments = [(0, UNTIL - 30.0 * n) for n in range(4)] + [(1, UNTIL - 4.0 * n) for n in range(26)]
    lines = [(c, item, day + half) for c in range(customers) for item, day in moments for half in (0.0, 0.4)]
    return of_lines(lines, IDS, customers, UNTIL + 1)


def test_planted_cadences_are_found_and_shared_within_the_category() -> None:
    coffee, milk, other, rice = np.exp(repeat_intervals(purchases(), KINDS))
    assert milk == pytest.approx(4, rel=0.5)
    assert coffee == pytest.approx(30, rel=0.1)
    assert other == pytest.approx(milk, rel=0.05)
    assert milk < rice < coffee


def test_neither_order_nor_names_of_customers_matter() -> None:
    data = random_shop()
    order = np.random.default_rng(0).permutation(len(data.items))
    mixed = replace(
        data,
        customers=(data.customer_count - 1 - data.customers)[order],
        items=data.items[order],
        days=data.days[order],
        weights=data.weights[order],
    )
    kinds = data.catalogue.text("category", data.item_ids)
    assert np.array_equal(repeat_intervals(data, kinds), repeat_intervals(mixed, kinds))
    assert trips_a_day(data) == trips_a_day(mixed)


def test_trips_count_days_not_lines() -> None:
    assert trips_a_day(purchases()) == pytest.approx(0.27, rel=0.2)
    assert trips_a_day(replace(purchases(), until=UNTIL + 200)) < 0.11


def test_a_shop_without_purchases_has_an_answer() -> None:
    data = random_shop()
    nothing = replace(
        data,
        customers=data.customers[:0],
        items=data.items[:0],
        days=data.days[:0],
        weights=data.weights[:0],
        customer_count=0,
    )
    kinds = np.full(len(nothing.item_ids), None, object)
    assert np.exp(repeat_intervals(nothing, kinds)) == pytest.approx(30)
    assert trips_a_day(nothing) > 0
