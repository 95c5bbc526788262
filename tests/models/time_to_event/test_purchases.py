"""Purchases are what a naive reading of the lines says, whatever the order of the lines, and refuse what cannot be."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.purchases import Purchases
from tests.models.time_to_event.world import START, bought_by, ids

Line = tuple[int, int, int, float, float]
prices = st.one_of(st.just(float("nan")), st.floats(0.1, 2.0))
lines = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(-40, 40), st.floats(0.1, 9.0), prices), max_size=40
)


def sold(rows: list[Line], day: int = START + 40) -> Purchases:
    columns = [np.array([row[place] for row in rows]) for place in range(5)]
    return Purchases.of(
        columns[0].astype(np.int32),
        columns[1].astype(np.int32),
        (START + columns[2]).astype(np.int32),
        columns[3].astype(np.float64),
        columns[4].astype(np.float64),
        ids("unit", 5),
        np.array([0, 1, 0, 1, 0], np.int32),
        ids("department", 2),
        4,
        day,
    )


@given(lines)
def test_lines_of_one_day_are_one_purchase(rows: list[Line]) -> None:
    packs: dict[tuple[int, int, int], list[Line]] = defaultdict(list)
    for row in rows:
        packs[row[:3]].append(row)
    found = sold(rows)
    assert list(zip(found.customers, found.units, found.days - START, strict=True)) == sorted(packs)
    for place, key in enumerate(sorted(packs)):
        assert found.packs[place] == pytest.approx(sum(row[3] for row in packs[key]))
        priced = [row for row in packs[key] if row[4] == row[4]]
        paid = sum(row[3] * row[4] for row in priced) / sum(row[3] for row in priced) if priced else float("nan")
        assert found.prices[place] == pytest.approx(paid, nan_ok=True)


@given(lines)
def test_trips_are_the_days_of_any_purchase(rows: list[Line]) -> None:
    units: dict[tuple[int, int], set[int]] = defaultdict(set)
    for customer, unit, day, _, _ in rows:
        units[customer, day].add(unit)
    found = sold(rows)
    assert list(zip(found.trip_customers, found.trip_days - START, strict=True)) == sorted(units)
    assert found.trip_sizes.tolist() == [len(units[key]) for key in sorted(units)]
    orders = found.orders()
    assert orders.days.tolist() == found.trip_days.tolist()
    assert orders.packs.tolist() == found.trip_sizes.tolist()
    assert orders.unit_ids.tolist() == ["order"]


@given(lines, st.integers(-45, 45))
def test_until_a_day_is_as_if_nothing_came_after(rows: list[Line], day: int) -> None:
    known, naive = sold(rows).until(START + day), sold([row for row in rows if row[2] <= day], START + min(day, 40))
    assert known.day == naive.day
    for name in ("customers", "units", "days", "packs", "prices", "trip_customers", "trip_days", "trip_sizes"):
        assert np.array_equal(getattr(known, name), getattr(naive, name), equal_nan=True), name


@given(lines, st.lists(st.booleans(), min_size=4, max_size=4))
def test_among_some_customers_are_all_their_purchases_and_no_other(rows: list[Line], kept: list[bool]) -> None:
    some, naive = sold(rows).among(np.array(kept)), sold([row for row in rows if kept[row[0]]])
    for name in ("customers", "units", "days", "trip_customers", "trip_days", "trip_sizes"):
        assert np.array_equal(getattr(some, name), getattr(naive, name)), name
    assert some.customer_count == 4


@pytest.mark.parametrize(
    ("change", "way_out"),
    [
        ({"day": START}, "cut it off first"),
        ({"customer_count": 1}, "outside customer_count"),
        ({"unit_ids": ids("unit", 1), "parents": np.zeros(1, np.int32)}, "outside unit_ids"),
        ({"parents": np.zeros(1, np.int32)}, "give one for each"),
        ({"packs": np.ones(2)}, "one length"),
        ({"customers": np.array([1, 0, 0], np.int32)}, "use Purchases.of"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], way_out: str) -> None:
    who, what, days = (np.array(column, np.int32) for column in ([0, 0, 1], [0, 1, 1], [1, 2, 3]))
    good = bought_by(who, what, START + days, 2, 1, 2, START + 9)
    with pytest.raises(ValueError, match=way_out):
        replace(good, **change)  # type: ignore[arg-type]
