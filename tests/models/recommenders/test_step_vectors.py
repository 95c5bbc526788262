"""What stands near each other in sequences points the same way."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from models.recommenders.sasrec import SASRec
from models.recommenders.step_vectors import neighbours, step_vectors
from models.recommenders.transformer_training import train

ITEMS = 20
INDPTR = np.arange(0, 4 * 120 + 1, 4)


def two_kinds() -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    """Sequences of four among the first nine products or among the next nine; the last two nobody touches."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.permutation(9)[:4] + 9 * (place % 2) for place in range(120)]).astype(np.int32)


def vectors(window: int = 3, factors: int = 6) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return step_vectors(INDPTR, two_kinds(), ITEMS, factors, window, np.random.default_rng(1))


def test_products_of_a_kind_are_near_and_those_of_two_are_not() -> None:
    cosines = vectors() @ vectors().T
    alike = np.add.outer(np.arange(18) // 9, np.arange(18) // 9) != 1
    assert cosines[:18, :18][alike].mean() > 0.2
    assert abs(cosines[:18, :18][~alike]).max() < 0.05


def test_lengths_are_one_and_zero_for_what_is_near_nothing() -> None:
    lengths = np.linalg.norm(vectors(), axis=1)
    assert np.allclose(lengths[:18], 1, atol=1e-5)
    assert not lengths[18:].any()


def test_more_factors_than_products_leave_columns_empty_and_no_neighbours_leave_all() -> None:
    assert not vectors(factors=32)[:, ITEMS:].any()
    assert not step_vectors(np.array([0, 1, 2]), np.array([0, 1], np.int32), 2, 4, 5, np.random.default_rng(0)).any()


def test_neighbours_are_of_one_sequence_and_at_most_a_window_away() -> None:
    items = np.array([0, 1, 2, 3, 4, 5], np.int32)
    near = step_vectors(np.array([0, 3, 6]), items, 6, 4, 1, np.random.default_rng(0))
    cosines = near @ near.T
    assert abs(cosines[:3, 3:]).max() < 1e-5
    assert cosines[0, 2] > cosines[0, 1]


@pytest.mark.parametrize("window", [1, 3, 9])
def test_each_pair_of_a_sequence_counts_by_how_far_apart_it_is(window: int) -> None:
    indptr, items = np.array([0, 5, 5, 6, 12]), np.array([0, 1, 0, 2, 2, 3, 1, 2, 1, 4, 4, 0], np.int32)
    counted = np.zeros((6, 6))
    for start, end in pairwise(indptr):
        for one in range(start, end):
            for other in range(one + 1, min(one + window + 1, end)):
                counted[items[one], items[other]] += 1 / (other - one)
    found = neighbours(indptr, items, 6, window).toarray()
    assert found == pytest.approx(counted + counted.T, rel=1e-12)


def test_a_wider_window_takes_no_more_memory() -> None:
    items, indptr = np.tile(two_kinds(), 200), np.arange(0, 480 * 200 + 1, 40)
    peaks = []
    for window in (2, 20):
        tracemalloc.start()
        try:
            neighbours(indptr, items, ITEMS, window)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_an_epoch_from_there_tells_kinds_apart_that_an_epoch_from_anywhere_does_not() -> None:
    recipe = SASRec(factors=16, blocks=1, heads=1, epochs=1, batch=60, negatives=8)
    apart = []
    for window in (0, 5):
        learned = train(SASRec(**{**vars(recipe), "window": window}), INDPTR, two_kinds(), 18)["items"]
        cosines = learned @ learned.T / np.outer(np.linalg.norm(learned, axis=1), np.linalg.norm(learned, axis=1))
        alike = np.add.outer(np.arange(18) // 9, np.arange(18) // 9) != 1
        apart.append(cosines[alike].mean() - cosines[~alike].mean())
    assert apart[1] > apart[0] + 0.1
