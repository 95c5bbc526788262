"""The sparse kernel: a weighted sum of a few rows of a large sparse matrix, lean enough for one request.

scipy selects rows and multiplies at the same cost for large batches, but spends most of a single query on its checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Codes, Floats, Ids, places, spread

_SAVED = ("indptr", "indices", "weights")
_ENTRIES = 2_000_000
_EVEN = 1.25
"""Rows that would be so many times as long as they are, if all had the length of the longest, are taken at that one."""


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
        columns, weights, lengths = self._entries(rows)
        added = weights * (factors[:, None] if weights.ndim == 2 else np.repeat(factors, lengths))
        return np.bincount(columns.ravel(), added.ravel(), width).astype(np.float64, copy=False)

    def lookup(self, rows: NDArray[np.integer[Any]], columns: Codes) -> Floats:
        """The dense (rows, columns) corner; a column of -1 is zero."""
        found, weights, lengths = self._entries(rows)
        wanted, back = np.unique(columns, return_inverse=True)
        # One look-up an entry in a table of all columns, where sorting the entries costs ten times as much.
        slots = np.full(max(int(found.max(initial=-1)), int(wanted.max(initial=-1))) + 2, -1, np.int32)
        slots[wanted] = np.arange(len(wanted))
        slots[-1] = -1
        entries = slots.take(found.ravel())
        hits = np.flatnonzero(entries >= 0)
        owners = hits // found.shape[1] if found.ndim == 2 else np.searchsorted(np.cumsum(lengths), hits, side="right")
        cells = owners * len(wanted) + entries[hits]
        corner: Floats = np.bincount(cells, weights.ravel()[hits], len(rows) * len(wanted)).astype(np.float64)
        return corner.reshape(len(rows), len(wanted))[:, back]

    def _entries(
        self, rows: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
        """Columns and weights of `rows` one after another, and how many there are of each.

        Rows of about one length come as a table (rows, longest), which takes a fifth of the time; what stands there
        behind the end of a row weighs 0.
        """
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        longest = self._longest
        even = 0 < len(rows) * longest <= _EVEN * lengths.sum()
        if not even or int(starts.max()) + longest > len(self.indices):
            places, lengths = self._places(rows)
            return self.indices[places], self.weights[places], lengths
        columns, weights = (windows[starts] for windows in self._windows)
        if lengths.min() < longest:
            weights *= np.arange(longest) < lengths[:, None]
        return columns, weights, lengths

    @cached_property
    def _longest(self) -> int:
        return int(np.diff(self.indptr).max(initial=0))

    @cached_property
    def _windows(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """As many entries as the longest row has, from each entry on; a view, and no copy."""
        return sliding_window_view(self.indices, self._longest), sliding_window_view(self.weights, self._longest)

    def _places(self, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths


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
