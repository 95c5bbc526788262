"""The columns of a pair's own intervals are those that a loop over its days finds."""

from itertools import pairwise
from statistics import fmean, stdev, variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.intervals import OWN, own_intervals
from tests.models.time_to_event.world import START, bought_by

NAN = float("nan")
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 90)), min_size=1, max_size=40)


@given(rows, st.integers(0, 500))
def test_the_columns_are_what_a_loop_finds(bought: list[tuple[int, int, int]], wait: int) -> None:
    who, what, when = (np.array(column, np.int32) for column in zip(*bought, strict=True))
    day = START + 90 + wait
    purchases = bought_by(who, what, START + when, 3, 2, 3, day)
    customers, units, columns = own_intervals(purchases, day)
    assert tuple(columns) == OWN
    assert list(zip(customers, units, strict=True)) == sorted({row[:2] for row in bought})
    for place, pair in enumerate(zip(customers, units, strict=True)):
        mine = (purchases.customers == pair[0]) & (purchases.units == pair[1])
        days = purchases.days[mine].tolist()
        gaps = [float(later - earlier) for earlier, later in pairwise(days)]
        logs = np.log(gaps).tolist()
        naive = {
            "purchases": len(days),
            "span": day - days[0],
            "recency": days[-1] - days[0],
            "elapsed": day - days[-1],
            "mean_interval": fmean(gaps) if gaps else NAN,
            "std_interval": stdev(gaps) if len(gaps) > 1 else NAN,
            "log_mean": fmean(logs) if gaps else NAN,
            "log_variance": variance(logs) if len(gaps) > 1 else NAN,
            "last_interval": gaps[-1] if gaps else NAN,
            "longest_interval": max(gaps) if gaps else NAN,
            "last_packs": purchases.packs[mine][-1],
            "mean_packs": purchases.packs[mine].mean(),
            "last_price": purchases.prices[mine][-1],
        }
        for name, value in naive.items():
            assert columns[name][place] == pytest.approx(value, rel=1e-9, abs=1e-6, nan_ok=True), name


def test_nobody_has_no_intervals() -> None:
    none = np.empty(0, np.int32)
    customers, units, columns = own_intervals(bought_by(none, none, none, 3, 2, 3, START), START)
    assert len(customers) == len(units) == 0
    assert {len(column) for column in columns.values()} == {0}
