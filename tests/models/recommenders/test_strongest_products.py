"""Products row by row keep what the whole product would have kept, to the last bit, ties and order included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from models.recommenders.sparse_rows import SparseRows, strongest
from models.recommenders.strongest_products import strongest_products

shops = st.tuples(st.integers(0, 9), st.integers(0, 14), st.integers(0, 2**32 - 1))


def made(customers: int, products: int, seed: int, kinds: int) -> "csr_array[np.float64]":
    """Customers by products, of so many distinct values, the least of which is zero."""
    rng = np.random.default_rng(seed)
    there = rng.random((customers, products)) < 0.5
    values = rng.integers(0, kinds, there.sum()) / 7
    starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return csr_array((values, np.nonzero(there)[1].astype(np.int32), starts), shape=there.shape)


def same(one: SparseRows, other: SparseRows) -> bool:
    return all(
        np.array_equal(one.arrays()[name], array) and one.arrays()[name].dtype == array.dtype
        for name, array in other.arrays().items()
    )


@given(shops, st.integers(2, 9), st.integers(1, 5))
def test_they_are_the_strongest_of_the_whole_product(size: tuple[int, int, int], kinds: int, most: int) -> None:
    right = made(*size, kinds)
    left = right.T.tocsr()
    assert same(strongest_products(left, right, most), strongest(left @ right, most, first=0))


@given(shops, st.integers(1, 5), st.sampled_from([0.5, 3.0]))
def test_with_lengths_they_are_those_of_the_shrunk_cosine(
    size: tuple[int, int, int], most: int, shrinkage: float
) -> None:
    right = made(*size, 5)
    left, lengths = right.T.tocsr(), np.arange(right.shape[1]) / 3
    whole = left @ right
    whole.data /= np.repeat(lengths, np.diff(whole.indptr)) * lengths[whole.indices] + shrinkage
    assert same(strongest_products(left, right, most, lengths, shrinkage), strongest(whole, most, first=0))


def test_more_entries_than_the_buffer_holds_and_more_rows_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    right = made(40, 300, 1, 1000)
    whole = strongest(right.T.tocsr() @ right, 7, first=0)
    assert same(strongest_products(right.T.tocsr(), right, 7), whole)
    monkeypatch.setattr("models.recommenders.strongest_products._ROWS", 13)
    assert same(strongest_products(right.T.tocsr(), right, 7), whole)
