"""Facts about units: what was planted is found, the future has no part, and who is unknown is like its kind."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.purchases import Purchases
from models.time_to_event.unit_facts import FACTS, UnitFacts
from tests.models.time_to_event.world import START, Clocks, bought_by, ids

UNITS, DEPARTMENTS = 9, 3
SHOP = Clocks(leave=0.01).sales(80, UNITS, days=300)
ORIGINS = [START + 150, START + 178, START + 206, START + 234]
DAY = START + 250
WATCHED = Durations.of(SHOP.until(DAY), ORIGINS)
FITTED = UnitFacts.of(SHOP.until(DAY), WATCHED)


def fact(facts: UnitFacts, name: str) -> NDArray[np.float64]:
    return facts.table[:, FACTS.index(name)]


def test_fast_departments_are_told_from_slow_ones() -> None:
    """The factors on the intervals of the three departments are 0.5, 1 and 2.5."""
    kind = np.arange(UNITS) % DEPARTMENTS
    for name, sign in (("returned_56", 1), ("again_28", 1), ("usual_log_interval", -1), ("sales", 1)):
        each = fact(FITTED, name)[:UNITS] * sign
        assert each[kind == 0].min() > each[kind == 2].max(), name


def test_what_comes_after_the_day_has_no_part() -> None:
    """Neither later purchases nor the later course of what was asked before."""
    day = START + 200
    mine = UnitFacts.of(SHOP.until(day), WATCHED)
    changed = SHOP.days + np.where(SHOP.days > day, 3, 0).astype(np.int32)
    other = Purchases.of(
        SHOP.customers,
        SHOP.units,
        changed,
        SHOP.packs,
        SHOP.prices,
        SHOP.unit_ids,
        SHOP.parents,
        SHOP.parent_ids,
        SHOP.customer_count,
        SHOP.day + 3,
    )
    theirs = UnitFacts.of(other.until(day), Durations.of(other.until(DAY), ORIGINS))
    assert np.array_equal(mine.table, theirs.table)


def test_a_unit_that_people_gave_up_shows_a_lack() -> None:
    given_up = (SHOP.units == 4) & (SHOP.days > DAY - 60)
    kept = ~given_up
    left = Purchases.of(
        SHOP.customers[kept],
        SHOP.units[kept],
        SHOP.days[kept],
        SHOP.packs[kept],
        SHOP.prices[kept],
        SHOP.unit_ids,
        SHOP.parents,
        SHOP.parent_ids,
        SHOP.customer_count,
        SHOP.day,
    ).until(DAY)
    facts = UnitFacts.of(left, Durations.of(left, ORIGINS))
    for name in ("excess_28", "excess_84", "returned_56", "trend"):
        each = fact(facts, name)[:UNITS]
        assert each.argmin() == 4, name
        assert each[4] < fact(FITTED, name)[4] - 0.1, name


def test_the_unknown_are_answered_by_department_then_by_all() -> None:
    asked = pairs_at(SHOP, DAY, Watch())
    units = np.unique(asked.units)
    rows = np.array([np.flatnonzero(asked.units == unit)[0] for unit in units], np.int32)
    some = asked.rows(rows)
    assert FITTED.rows(some) == pytest.approx(FITTED.table[units])
    new = replace(some, unit_ids=ids("new", UNITS))
    assert FITTED.rows(new) == pytest.approx(FITTED.table[UNITS + some.departments])
    strange = replace(new, parent_ids=ids("strange", DEPARTMENTS))
    assert FITTED.rows(strange) == pytest.approx(np.tile(FITTED.table[-1], (len(units), 1)))


def test_a_unit_without_a_purchase_is_like_an_unknown_one_of_its_department() -> None:
    wider = bought_by(SHOP.customers, SHOP.units, SHOP.days, UNITS + 3, DEPARTMENTS, SHOP.customer_count, SHOP.day)
    known = wider.until(DAY)
    facts = UnitFacts.of(known, Durations.of(known, ORIGINS))
    assert np.isfinite(facts.table).all()
    assert facts.table[UNITS : UNITS + 3] == pytest.approx(facts.table[UNITS + 3 : -1])


def test_nothing_bought_leaves_guesses() -> None:
    nothing = SHOP.until(START - 1)
    facts = UnitFacts.of(nothing, WATCHED.rows(np.zeros(len(WATCHED.times), bool)))
    assert np.isfinite(facts.table).all()
    assert np.ptp(facts.table, axis=0).max() == 0
