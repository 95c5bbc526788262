"""Sparse rows: the strongest entries of each row are those that sorting would give, ties and order included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from models.recommenders.sparse_rows import SparseRows, strongest

matrices = st.tuples(st.integers(0, 8), st.integers(1, 12), st.integers(0, 2**32 - 1))


def made(rows: int, columns: int, seed: int) -> "csr_array[np.float64]":
    """Few distinct values, some of them not positive, at columns in any order: as a product of matrices has them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, columns + 1, rows)
    places = [rng.permutation(columns)[:length] for length in lengths]
    values = rng.integers(-1, 4, int(lengths.sum())) / 4
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((values, np.concatenate([*places, np.empty(0, int)]).astype(int), indptr), shape=(rows, columns))


@given(matrices, st.integers(1, 6), st.integers(-8, 4))
def test_the_strongest_are_those_of_a_sort(size: tuple[int, int, int], most: int, first: int) -> None:
    matrix = made(*size)
    found = strongest(matrix, most, first)
    dense = matrix.toarray()
    for row in range(len(dense)):
        columns = [int(column) for column in np.flatnonzero(dense[row] > 0) if column != first + row]
        best = sorted(sorted(columns, key=lambda column: (-dense[row, column], column))[:most])
        span = slice(found.indptr[row], found.indptr[row + 1])
        assert found.indices[span].tolist() == best
        assert found.weights[span].tolist() == dense[row, best].tolist()
    assert (found.indptr.dtype, found.indices.dtype, found.weights.dtype) == (np.int64, np.int32, np.float32)
    assert len(found.indptr) == len(dense) + 1


@given(matrices, st.integers(1, 30))
def test_in_parts_they_are_the_same(size: tuple[int, int, int], entries: int) -> None:
    whole = strongest(made(*size), 2, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.recommenders.sparse_rows._ENTRIES", entries)
        parts = strongest(made(*size), 2, 0)
    assert all(np.array_equal(parts.arrays()[name], array) for name, array in whole.arrays().items())


@given(matrices)
def test_saved_under_a_prefix_beside_others_they_are_the_same(size: tuple[int, int, int]) -> None:
    one, other = (strongest(made(*size), most, 0) for most in (1, 3))
    saved = {**one.arrays(), **other.arrays("nearest_")}
    assert len(saved) == 6
    for rows, prefix in ((one, ""), (other, "nearest_")):
        again = SparseRows.restored(saved, prefix)
        assert all(np.array_equal(getattr(again, name), array) for name, array in rows.arrays().items())


@given(
    st.lists(st.integers(0, 6) | st.just(6), min_size=1, max_size=12),
    st.data(),
)
def test_sums_and_corners_are_those_of_the_dense_matrix_whether_rows_are_of_one_length_or_not(
    lengths: list[int], data: st.DataObject
) -> None:
    rng, width = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))), 9
    columns = [np.sort(rng.permutation(width)[:length]) for length in lengths]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices = np.concatenate(columns).astype(np.int32)
    rows = SparseRows(indptr, indices, rng.integers(1, 9, len(indices)).astype(np.float32))
    dense = csr_array((rows.weights, rows.indices, rows.indptr), shape=(len(lengths), width)).toarray()
    asked = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=8)), np.int64)
    factors = rng.integers(1, 5, len(asked)).astype(float)
    assert rows.combine(asked, factors, width).tolist() == (factors @ dense[asked]).tolist()
    wanted = np.array(data.draw(st.lists(st.integers(-1, width - 1), min_size=1, max_size=6)), np.int32)
    corner = np.where(wanted >= 0, dense[asked][:, wanted], 0.0)
    assert rows.lookup(asked, wanted).tolist() == corner.tolist()
