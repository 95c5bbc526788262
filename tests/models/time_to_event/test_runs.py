"""Runs add up what a loop over rows would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.runs import Runs, key


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-500, 500)), max_size=40))
def test_sums_are_those_of_a_loop(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows)
    one, two, days = np.array(rows, np.int32).reshape(-1, 3).T
    runs = Runs.of(one, two)
    pairs = sorted({row[:2] for row in rows})
    values = np.arange(len(rows), dtype=np.float64)
    assert list(zip(one[runs.starts], two[runs.starts], strict=True)) == pairs
    for place, pair in enumerate(pairs):
        own = [(row[2], value) for row, value in zip(rows, values, strict=True) if row[:2] == pair]
        last = own[-1][0]
        assert runs.counts[place] == len(own)
        assert runs.sums(values)[place] == sum(value for _, value in own)
        assert runs.most(values)[place] == max(value for _, value in own)
        faded = sum(value * 0.5 ** ((last - day) / 10) for day, value in own)
        assert runs.faded(days, 10, values)[place] == pytest.approx(faded)
    assert runs.each_row(runs.starts).tolist() == [
        pairs.index(row[:2]) and runs.starts[pairs.index(row[:2])] for row in rows
    ]


@given(st.lists(st.tuples(st.integers(0, 2**21 - 1), st.integers(-(2**20), 2**21 - 1)), min_size=2, max_size=20))
def test_keys_sort_like_what_they_are_made_of(parts: list[tuple[int, int]]) -> None:
    customers, codes = np.array(parts, np.int64).T
    assert [parts[place] for place in np.argsort(key(customers, codes), kind="stable")] == sorted(parts)
