"""Who is watched is who a loop would watch, and what is known of them is of themselves and of the past."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.pairs import Pairs, Watch, pairs_at, stacked
from tests.models.time_to_event.world import START, Clocks

CUSTOMERS = 12
SHOP = Clocks(shopping=0.5).sales(CUSTOMERS, units=5, days=160)
days = st.integers(START + 5, START + 159)


def equal(one: Pairs, other: Pairs) -> None:
    for name in ("customers", "units", "days"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.columns.keys() == other.columns.keys()
    for name, column in one.columns.items():
        assert np.array_equal(column, other.columns[name], equal_nan=True), name


@given(days, st.integers(1, 5), st.integers(0, 150))
def test_watched_is_who_bought_often_enough_and_lately(day: int, purchases: int, wait: int) -> None:
    watched = []
    for customer in range(CUSTOMERS):
        for unit in range(5):
            mine = SHOP.days[(SHOP.customers == customer) & (SHOP.units == unit) & (SHOP.days <= day)]
            if len(mine) >= purchases and day - mine.max() <= wait:
                watched.append((customer, unit))
    pairs = pairs_at(SHOP, day, Watch(purchases, wait))
    assert list(zip(pairs.customers, pairs.units, strict=True)) == watched
    assert (pairs.days == day).all()
    assert pairs.departments.tolist() == [SHOP.parents[unit] for _, unit in watched]


@given(days)
def test_what_comes_later_has_no_part(day: int) -> None:
    equal(pairs_at(SHOP, day), pairs_at(SHOP.until(day), day))


@given(days, st.integers(0, CUSTOMERS - 1))
def test_what_others_buy_has_no_part(day: int, customer: int) -> None:
    """A customer is asked about alone when a request comes, and among all at night."""
    everybody = pairs_at(SHOP, day)
    alone = pairs_at(SHOP.among(np.arange(CUSTOMERS) == customer), day)
    equal(everybody.rows(everybody.customers == customer), alone)


def test_stacked_pairs_are_those_of_each_day() -> None:
    parts = [pairs_at(SHOP, START + day) for day in (60, 61, 90)]
    both = stacked(parts)
    for part in parts:
        equal(both.rows(both.days == part.days[0]), part)
    with pytest.raises(ValueError, match="same purchases"):
        stacked([parts[0], replace(parts[1], unit_ids=parts[1].unit_ids.copy())])
