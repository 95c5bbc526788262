"""The index of the table leaves out nobody who is due, and blocks hold every row of a customer once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.restock_table import CURVE_DAYS, RestockTable
from serving.restock.soonest import Soonest, blocks, chances
from tests.serving.world import NOW


def table(sizes: list[int], seed: int = 0) -> RestockTable:
    """Customers with so many rows each; curves fall by random steps, some to nothing, some not at all."""
    rng = np.random.default_rng(seed)
    rows = sum(sizes)
    steps = rng.choice([1.0, 0.99, 0.7, 0.0], (rows, len(CURVE_DAYS)), p=[0.5, 0.3, 0.18, 0.02])
    steps[:, 0] = 1.0
    ids = np.array([f"{place:03d}" for place in range(len(sizes))], object)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return RestockTable(NOW, 0, ids, starts, {"curve": np.cumprod(steps, axis=1).astype(np.float32)})


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=20)


@given(SIZES, st.integers(0, 9), st.integers(0, 40), st.integers(1, 50), st.integers(0, 40), st.floats(0, 1))
def test_whoever_is_due_may_be_due(
    sizes: list[int], seed: int, passed: int, ahead: int, long: int, least: float
) -> None:
    asked = table(sizes, seed)
    first, last = passed + ahead, passed + ahead + long
    likely = chances(asked.columns["curve"], passed, first, last)
    due = np.maximum.reduceat((likely > 0) & (likely >= least), asked.starts[:-1])
    assert not (due & ~Soonest.of(asked).may_be_due(last, least)).any()


def test_who_cannot_be_due_is_left_out() -> None:
    asked = table([1, 1])
    asked.columns["curve"][0] = 1.0
    asked.columns["curve"][1] = np.where(np.array(CURVE_DAYS) < 7, 1.0, 0.1)
    index = Soonest.of(asked)
    assert index.may_be_due(4, 0.5).tolist() == [False, False]
    assert index.may_be_due(7, 0.5).tolist() == [False, True]
    assert index.may_be_due(7, 0.95).tolist() == [False, False]


@given(SIZES, st.integers(0, 20), st.integers(1, 12))
def test_blocks_hold_the_rows_of_their_customers_in_order(sizes: list[int], skipped: int, size: int) -> None:
    asked = table(sizes)
    places = np.arange(len(sizes))[skipped % len(sizes) :: 2]
    found = list(blocks(asked, places, size))
    assert np.concatenate([members for members, _ in found]).tolist() == places.tolist()
    for members, rows in found:
        expected = [np.arange(asked.starts[place], asked.starts[place + 1]) for place in members]
        assert rows.tolist() == np.concatenate([np.empty(0, int), *expected]).tolist()
        assert len(rows) <= size + max(sizes)


def test_a_table_of_nobody_has_nobody_due() -> None:
    nobody = RestockTable(
        NOW, 0, np.empty(0, object), np.zeros(1, np.int64), {"curve": np.empty((0, len(CURVE_DAYS)), np.float32)}
    )
    assert Soonest.of(nobody).may_be_due(7, 0.0).tolist() == []
    assert sum(len(rows) for _, rows in blocks(nobody, np.empty(0, np.int64))) == 0
