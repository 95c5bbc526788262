"""The sparse kernel: a weighted sum of a few rows of a large sparse matrix, lean enough for one request.

scipy selects rows and multiplies at the same cost for large batches, but spends most of a single query on its checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Codes, Floats, Ids, places, spread
from models.compiled import compiled

_SAVED = ("indptr", "indices", "weights")
_ENTRIES = 2_000_000


@dataclass(frozen=True)
class SparseRows:
    """CSR: row r holds `weights[indptr[r]:indptr[r + 1]]` at the columns `indices[...]`, which rise."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> "SparseRows":
        """The rows whose `arrays(prefix)` were saved among others."""
        return cls(*(arrays[f"{prefix}{name}"] for name in _SAVED))

    @classmethod
    def stack(cls, blocks: Sequence["SparseRows"]) -> "SparseRows":
        """The rows of all blocks, one below the other."""
        lengths = [np.diff(block.indptr) for block in blocks]
        indptr = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)]))]).astype(np.int64)
        indices = np.concatenate([*(block.indices for block in blocks), np.empty(0, np.int32)])
        weights = np.concatenate([*(block.weights for block in blocks), np.empty(0, np.float32)])
        return cls(indptr, indices, weights)

    def arrays(self, prefix: str = "") -> dict[str, NDArray[Any]]:
        """By the names under which a model saves them."""
        return {f"{prefix}{name}": getattr(self, name) for name in _SAVED}

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
        return _combined(self.indptr, self.indices, self.weights, rows, factors, width)

    def lookup(self, rows: NDArray[np.integer[Any]], columns: Codes) -> Floats:
        """The dense (rows, columns) corner; a column of -1 is zero."""
        return _corner(self.indptr, self.indices, self.weights, rows, columns)

    def _places(self, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths


@compiled
def _combined(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    rows: NDArray[np.integer[Any]],
    factors: Floats,
    width: int,
) -> Floats:
    found = np.zeros(width)
    for place in range(len(rows)):
        row = rows[place]
        for entry in range(indptr[row], indptr[row + 1]):
            found[indices[entry]] += weights[entry] * factors[place]
    return found


@compiled
def _corner(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    rows: NDArray[np.integer[Any]],
    columns: Codes,
) -> Floats:
    """Each wanted column is sought by bisection in each row."""
    found = np.zeros((len(rows), len(columns)))
    for place in range(len(rows)):
        begin, end = indptr[rows[place]], indptr[rows[place] + 1]
        for wanted in range(len(columns)):
            entry = begin + np.searchsorted(indices[begin:end], columns[wanted])
            if entry < end and indices[entry] == columns[wanted]:
                found[place, wanted] = weights[entry]
    return found


def strongest(matrix: "csr_array[np.float64]", most: int, first: int) -> SparseRows:
    """The `most` largest entries of each row, ties to the lower column, without the diagonal; row 0 is row `first`.

    Works on as many rows at once as have a few million entries together, since its copies are as large as these.
    """
    blocks, start = [], 0
    while start < matrix.shape[0]:
        full = np.searchsorted(matrix.indptr, matrix.indptr[start] + _ENTRIES, side="right") - 1
        end = max(int(full), start + 1)
        blocks.append(_strongest(matrix, start, end, most, first))
        start = end
    return SparseRows.stack(blocks)


def _strongest(matrix: "csr_array[np.float64]", start: int, end: int, most: int, first: int) -> SparseRows:
    """Of the rows from `start` to `end`. Only long ones are looked at one by one, for the least value that stays."""
    count = end - start
    span = slice(matrix.indptr[start], matrix.indptr[end])
    owners = np.repeat(np.arange(count), np.diff(matrix.indptr[start : end + 1]))
    kept = np.flatnonzero((matrix.data[span] > 0) & (matrix.indices[span] != owners + (first + start)))
    owners, columns, values = owners[kept], matrix.indices[span][kept], matrix.data[span][kept].astype(np.float32)
    least = _least(values, np.searchsorted(owners, np.arange(count + 1)), most)
    enough = np.flatnonzero(values >= least[owners])
    owners, columns, values = owners[enough], columns[enough], values[enough]
    order = np.argsort(owners * matrix.shape[1] + columns)
    owners, columns, values = owners[order], columns[order], values[order]
    # What is equal to the least of a row may be more than there is room for: the lower columns stay.
    equal = values == least[owners]
    starts = np.searchsorted(owners, np.arange(count + 1))
    before = np.concatenate([[0], np.cumsum(equal)])
    room = most - np.diff(starts) + np.diff(before[starts])
    stays = ~equal | (before[:-1] - before[starts[owners]] < room[owners])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owners[stays], minlength=count))]).astype(np.int64)
    return SparseRows(indptr, columns[stays].astype(np.int32), values[stays])


def _least(values: NDArray[np.float32], bounds: NDArray[np.int64], most: int) -> NDArray[np.float32]:
    """The `most`-th largest value of each row, which lies between two `bounds`; -inf for a row that has no more."""
    least = np.full(len(bounds) - 1, -np.inf, np.float32)
    for row in np.flatnonzero(np.diff(bounds) > most).tolist():
        mine = values[bounds[row] : bounds[row + 1]].copy()
        place = len(mine) - most
        mine.partition(place)
        least[row] = mine[place]
    return least
