"""What is known of a pair's habits, its customer's rhythm and loyalty: as a loop over rows would find it.

Here, and not a file a module, since all of it shares one naive shop and one law: silence changes next to nothing.
"""

from collections import Counter
from itertools import pairwise
from statistics import mean, pstdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.time_to_event.habits import HABITS
from models.time_to_event.loyalty import LOYALTY
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.purchases import Purchases
from models.time_to_event.rhythm import RHYTHM
from tests.models.time_to_event.world import START, bought_by

UNITS, DEPARTMENTS, CUSTOMERS, DAYS = 5, 2, 3, 200
EVERYBODY = Watch(purchases=1, days=10_000)
ROWS = st.lists(
    st.tuples(st.integers(0, CUSTOMERS - 1), st.integers(0, UNITS - 1), st.integers(0, DAYS)), min_size=1, max_size=60
)


def shop(rows: list[tuple[int, int, int]], day: int = DAYS) -> Purchases:
    customers, units, days = np.array(sorted(set(rows)), np.int32).T
    return bought_by(customers, units, days + np.int32(START), UNITS, DEPARTMENTS, CUSTOMERS, START + day)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_columns_are_those_of_a_loop(rows: list[tuple[int, int, int]]) -> None:
    pairs = pairs_at(shop(rows), START + DAYS, EVERYBODY)
    assert set(HABITS) | set(RHYTHM) | set(LOYALTY) <= set(pairs.columns)
    for place, (customer, unit) in enumerate(zip(pairs.customers.tolist(), pairs.units.tolist(), strict=True)):
        found = {name: float(column[place]) for name, column in pairs.columns.items()}
        for name, wanted in expected(sorted(set(rows)), customer, unit).items():
            assert found[name] == pytest.approx(wanted, nan_ok=True), name


def expected(rows: list[tuple[int, int, int]], customer: int, unit: int) -> dict[str, float]:
    mine = [row for row in rows if row[0] == customer]
    days = [day for _, what, day in mine if what == unit]
    gaps = [after - before for before, after in pairwise(days)]
    sizes = Counter(day for _, _, day in mine)
    trips = sorted(sizes)
    between = [after - before for before, after in pairwise(trips)]
    kin = [(what, day) for _, what, day in mine if what % DEPARTMENTS == unit % DEPARTMENTS]
    again = {(what, day) for _, what, day in mine if any((customer, what, day - ago) in rows for ago in range(1, 121))}
    nan = float("nan")

    def faded(moments: list[int], half: float, last: int) -> float:
        return sum(0.5 ** ((last - day) / half) for day in moments)

    lines = [day for _, _, day in mine]
    return {
        "faded_14": faded(days, 14, days[-1]),
        "faded_56": faded(days, 56, days[-1]),
        "second_interval": gaps[-2] if len(gaps) > 1 else nan,
        "third_interval": gaps[-3] if len(gaps) > 2 else nan,
        "shortest_interval": min(gaps, default=nan),
        "median_interval": sorted(gaps)[len(gaps) // 2] if gaps else nan,
        "same_weekday": mean((day - days[-1]) % 7 == 0 for day in days),
        "quiet": DAYS - trips[-1],
        "trips_14": faded(trips, 14, trips[-1]),
        "lines_56": faded(lines, 56, trips[-1]),
        "trip_lines": faded(lines, 56, trips[-1]) / faded(trips, 56, trips[-1]),
        "last_trip_lines": sizes[trips[-1]],
        "trip_interval": mean(between) if between else nan,
        "trip_deviation": pstdev(between) if between else nan,
        "longest_trip_interval": max(between, default=0),
        "known_before": min(days[0] - trips[0], 84),
        "trips_before": min(trips.index(days[0]), 12),
        "trips_since": len(trips) - 1 - trips.index(days[-1]),
        "trips_each": (trips.index(days[-1]) - trips.index(days[0])) / len(gaps) if gaps else nan,
        "lines_then": sizes[days[-1]],
        "again_share": faded([day for _, day in again], 56, trips[-1]) / faded(lines, 56, trips[-1]),
        "department_quiet": DAYS - max(day for _, day in kin),
        "department_28": faded([day for _, day in kin], 28, max(day for _, day in kin)),
        "department_share": len(days) / len(kin),
        "department_again": mean(row in again for row in kin),
        "department_last": sum(day == max(day for _, day in kin) for _, day in kin),
        "department_since": sum(day > days[-1] for _, day in kin),
    }


@given(ROWS, st.integers(0, 300))
@settings(max_examples=40, deadline=None)
def test_silence_changes_nothing_but_how_long_it_has_been(rows: list[tuple[int, int, int]], wait: int) -> None:
    """The hazard's law that waiting never brings a date nearer stands on this."""
    now = pairs_at(shop(rows), START + DAYS, EVERYBODY).columns
    later = pairs_at(shop(rows, DAYS + wait), START + DAYS + wait, EVERYBODY).columns
    for name, column in now.items():
        moves = wait if name in ("elapsed", "span", "quiet", "department_quiet") else 0
        assert later[name] == pytest.approx(column + moves, nan_ok=True), name


@given(ROWS, ROWS)
@settings(max_examples=30, deadline=None)
def test_other_customers_have_no_part(rows: list[tuple[int, int, int]], others: list[tuple[int, int, int]]) -> None:
    alone = pairs_at(shop([(0, what, day) for _, what, day in rows]), START + DAYS, EVERYBODY)
    among = pairs_at(
        shop([(0, what, day) for _, what, day in rows] + [(1 + who % 2, what, day) for who, what, day in others]),
        START + DAYS,
        EVERYBODY,
    )
    own = among.rows(among.customers == 0)
    for name, column in alone.columns.items():
        assert own.columns[name] == pytest.approx(column, nan_ok=True), name


def test_who_keeps_coming_back_is_told_from_who_does_not() -> None:
    """Both bought four units weekly; one of them stopped buying three of them a month before the last trip."""
    weekly = [(who, what, day) for who in (0, 1) for what in range(4) for day in range(0, 140, 7)]
    left = [row for row in weekly if not (row[0] == 1 and row[1] > 0 and row[2] > 90)]
    pairs = pairs_at(shop(left), START + DAYS, EVERYBODY)
    kept = dict(zip(pairs.customers.tolist(), pairs.columns["kept"].tolist(), strict=True))
    assert kept[1] < -0.3 < kept[0]
    assert set(pairs.columns["watched"].tolist()) == {4.0}
