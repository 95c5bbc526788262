"""The sparse kernel: a weighted sum of a few rows of a large sparse matrix, lean enough for one request.

scipy selects rows and multiplies at the same cost for large batches, but spends most of a single query on its checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Codes, Floats, Ids, places, spread


@dataclass(frozen=True)
class SparseRows:
    """CSR: row r holds `weights[indptr[r]:indptr[r + 1]]` at the columns `indices[...]`, which rise."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def stack(cls, blocks: Sequence["SparseRows"]) -> "SparseRows":
        """The rows of all blocks, one below the other."""
        lengths = [np.diff(block.indptr) for block in blocks]
        indptr = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)]))]).astype(np.int64)
        indices = np.concatenate([*(block.indices for block in blocks), np.empty(0, np.int32)])
        weights = np.concatenate([*(block.weights for block in blocks), np.empty(0, np.float32)])
        return cls(indptr, indices, weights)

    def scaled(self, factor: float) -> "SparseRows":
        """All weights times `factor`."""
        return SparseRows(self.indptr, self.indices, self.weights * np.float32(factor))

    def spread(self, item_ids: Ids, united_ids: Ids) -> "SparseRows":
        """The same rows among more products: rows and columns of `item_ids` at their places in `united_ids`."""
        if len(item_ids) == len(united_ids):
            return self
        lengths = spread(np.diff(self.indptr), item_ids, united_ids)
        columns = places(item_ids, united_ids).astype(np.int32)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return SparseRows(indptr, columns[self.indices], self.weights)

    def take(self, rows: NDArray[np.integer[Any]]) -> "SparseRows":
        """The given rows, one below the other."""
        places, lengths = self._places(rows)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return SparseRows(indptr, self.indices[places], self.weights[places])

    def sums(self) -> Floats:
        """The sum of each row."""
        rows = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        return np.bincount(rows, self.weights, len(self.indptr) - 1).astype(np.float64)

    def combine(self, rows: NDArray[np.integer[Any]], factors: Floats, width: int) -> Floats:
        """The sum of `rows`, each times its factor, as a dense vector of `width`."""
        places, lengths = self._places(rows)
        added = self.weights[places] * np.repeat(factors, lengths)
        return np.bincount(self.indices[places], added, width).astype(np.float64, copy=False)

    def lookup(self, rows: NDArray[np.integer[Any]], columns: Codes) -> Floats:
        """The dense (rows, columns) corner; a column of -1 is zero."""
        places, lengths = self._places(rows)
        found = self.indices[places]
        hits = np.flatnonzero(np.isin(found, columns))
        owners = np.repeat(np.arange(len(rows)), lengths)[hits]
        wanted, back = np.unique(columns, return_inverse=True)
        corner = np.zeros((len(rows), len(wanted)))
        corner[owners, np.searchsorted(wanted, found[hits])] = self.weights[places][hits]
        return corner[:, back]

    def _places(self, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths


def strongest(matrix: "csr_array[np.float64]", most: int, first: int) -> SparseRows:
    """The `most` largest entries of each row, ties to the lower column, without the diagonal; row 0 is row `first`."""
    indices, weights, lengths = [], [], []
    for row in range(matrix.shape[0]):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, values = matrix.indices[span], matrix.data[span]
        kept = np.flatnonzero((columns != first + row) & (values > 0))
        columns, values = columns[kept], values[kept].astype(np.float32)
        if len(values) > most:
            least = np.partition(values, len(values) - most)[len(values) - most]
            kept = np.flatnonzero(values >= least)
            columns, values = columns[kept], values[kept]
            kept = np.lexsort((columns, -values))[:most]
            columns, values = columns[kept], values[kept]
        order = np.argsort(columns)
        indices.append(columns[order].astype(np.int32))
        weights.append(values[order])
        lengths.append(len(columns))
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return SparseRows(
        indptr, np.concatenate([*indices, np.empty(0, np.int32)]), np.concatenate([*weights, np.empty(0, np.float32)])
    )
