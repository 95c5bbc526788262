"""Who stays of a long row are the strongest, and they stand for all of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from models.recommenders.strongest_entries import strongest_entries


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 6))
def test_the_largest_stay_in_their_proportions_with_the_sum_of_all(seed: int, most: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.integers(0, kinds + 1, (6, 15)) / 8
    found = strongest_entries(csr_array(whole), most)
    cut = found.toarray()
    assert np.array_equal(np.diff(found.indptr), np.minimum((whole > 0).sum(axis=1), most))
    assert np.allclose(cut.sum(axis=1), whole.sum(axis=1))
    for before, after in zip(whole, cut, strict=True):
        stays = after > 0
        assert np.array_equal(np.sort(before[stays]), np.sort(before[before > 0])[::-1][: stays.sum()][::-1])
        assert len(np.unique((after[stays] / before[stays]).round(9))) <= 1


def test_rows_that_are_short_enough_stay_to_the_last_bit() -> None:
    whole = csr_array(np.random.default_rng(1).random((4, 9)))
    assert strongest_entries(whole, 9) is whole
    longer = csr_array(np.vstack([whole.toarray() * (np.arange(9) < 5), np.ones((1, 9))]))
    assert np.array_equal(strongest_entries(longer, 5).toarray()[:4], longer.toarray()[:4])


def test_of_equals_those_stay_that_lie_at_even_distances() -> None:
    kept = strongest_entries(csr_array(np.ones((1, 12))), 4)
    assert kept.indices.tolist() == [0, 3, 6, 9]
    assert kept.data.tolist() == [3.0] * 4
