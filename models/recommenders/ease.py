"""EASE: the best linear prediction of every product from all others, in closed form.

Steck, "Embarrassingly shallow autoencoders for sparse data" (WWW 2019). It inverts one dense matrix over the products,
which is why it asks first whether that matrix may be made.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_array

from models.recommenders.base import Interactions
from models.recommenders.history import Forgetting
from models.recommenders.interaction_matrix import interaction_matrix
from models.recommenders.linear import FittedLinear
from models.recommenders.sparse_rows import SparseRows

_ROWS = 500
_BYTES = 4
_SHARE = 1.15
"""The matrix itself, and what its making takes beside it."""

_STEP = np.float32(2.0**-20)
"""Weights are multiples of a millionth: what lies below is noise of single precision, and would rank twins."""


@dataclass(frozen=True)
class EASE:
    """Ridge regression of every product on all others.

    x(u, i) are a customer's interactions with a product, halved every `half_life` days, to the `power`; a customer's
    row is divided by its sum to the `activity`, so that who wanted a thousand things does not speak a thousand times.
    Larger `regularization` trusts rare products less. Products that fewer than `min_customers` wanted are left out. Of
    a product's weights the `neighbours` largest, positive or negative, stay.

    The fit needs 4 bytes times the square of the number of products, and refuses above `memory_gb`, or where less than
    `bytes_needed` is free. Asking: an
    interaction counts (1 + age / `fade_days`) to minus `fade`, and a product's sum to `history_power`.
    """

    name: ClassVar[str] = "ease"
    regularization: float = 10.0
    half_life: float | None = None
    power: float = 0.5
    activity: float = 0.5
    min_customers: int = 3
    neighbours: int = 1_000
    memory_gb: float = 2.0
    fade_days: float = 30.0
    fade: float = 0.7
    history_power: float = 0.75

    def __post_init__(self) -> None:
        if self.regularization <= 0:
            raise ValueError(f"regularization={self.regularization}; without it there is no inverse, try 10")
        if self.neighbours < 1:
            raise ValueError(f"neighbours={self.neighbours}; a product needs at least one, 1,000 lose little")

    def fit(self, interactions: Interactions) -> FittedLinear:
        """Invert the Gram matrix. Raises ValueError, before it takes the memory, when that is above `memory_gb`."""
        wanted = interaction_matrix(interactions, self.half_life, self.power)
        customers = np.bincount(wanted.indices, minlength=wanted.shape[1])
        known = customers >= max(self.min_customers, 1)
        self._check_memory(customers, int(known.sum()))
        rows = self._weights(csr_array(wanted[:, np.flatnonzero(known)]))
        item_ids = interactions.item_ids
        rows = rows.spread(item_ids[known], item_ids)
        return FittedLinear(self.name, item_ids, interactions.until, rows, self._forgetting(), self.history_power)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedLinear:
        """The fitted model whose `arrays()` were saved."""
        return FittedLinear.restored(self.name, arrays, self._forgetting(), self.history_power)

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured: the matrix over all products that are kept, rows of it once more, twice their neighbours, and 60
        bytes an interaction."""
        count = int((_customers(interactions) >= max(self.min_customers, 1)).sum())
        kept = 16 * count * min(self.neighbours, count)
        return int(_BYTES * _SHARE * count**2) + 14 * _ROWS * count + kept + 60 * len(interactions.items)

    def way_out(self, interactions: Interactions, memory: int) -> str:
        """Another recipe, or fewer products."""
        customers, rest = _customers(interactions), memory - 60 * len(interactions.items)
        row = 16 * self.neighbours + 14 * _ROWS
        matrix = rest - row * np.sqrt(max(rest, 0) / (_BYTES * _SHARE))
        return self._smaller(customers, int(matrix))

    def _check_memory(self, customers: NDArray[np.int64], count: int) -> None:
        needed = _gigabytes(count)
        if needed <= self.memory_gb:
            return
        raise ValueError(
            f"EASE over {count:,} products needs {needed:.1f} GB, memory_gb allows {self.memory_gb:g}: "
            f"{self._smaller(customers, int(self.memory_gb * 1e9))}, or raise memory_gb"
        )

    def _smaller(self, customers: NDArray[np.int64], memory: int) -> str:
        fits = int(np.sqrt(max(memory, 0) / (_BYTES * _SHARE)))
        least = int(np.sort(customers)[::-1][min(fits, len(customers) - 1)]) + 1
        fewer = f"min_customers={least}, which leaves at most {fits:,} products"
        return f"take RP3Beta, which makes no such matrix, or {fewer}"

    def _weights(self, wanted: "csr_array[np.float64]") -> SparseRows:
        """-P / diag(P) for the inverse P of the Gram matrix plus ridge, with diagonal 0, of each row the largest."""
        if self.activity:
            sums = np.asarray(wanted.sum(axis=1), np.float64).repeat(np.diff(wanted.indptr))
            wanted.data = wanted.data * sums**-self.activity
        count = wanted.shape[1]
        gram = np.empty((count, count), np.float32, order="F")
        across = wanted.T.tocsr()
        for start in range(0, count, _ROWS):
            gram[:, start : start + _ROWS] = (across[start : start + _ROWS] @ wanted).toarray().T
        gram[np.diag_indices(count)] += np.float32(self.regularization)
        inverse = _inverted(gram)
        own = np.diag(inverse).copy()
        blocks = []
        for start in range(0, count, _ROWS):
            weights = -_symmetric_rows(inverse, start, min(start + _ROWS, count)) / own
            weights[np.arange(len(weights)), start + np.arange(len(weights))] = 0
            blocks.append(_largest(np.round(weights / _STEP) * _STEP, self.neighbours))
        return SparseRows.stack(blocks)

    def _forgetting(self) -> Forgetting:
        return Forgetting(self.fade_days, self.fade)


def _customers(interactions: Interactions) -> NDArray[np.int64]:
    """How many wanted each product."""
    count = len(interactions.item_ids)
    cells = np.unique(interactions.customers.astype(np.int64) * count + interactions.items)
    return np.asarray(np.bincount(cells % max(count, 1), minlength=count), np.int64)


def _gigabytes(count: int) -> float:
    return _BYTES * _SHARE * count**2 / 1e9


def _inverted(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The lower triangle of the inverse, by Cholesky in place: half the work of a general inverse, no second matrix."""
    if not len(matrix):
        return matrix
    factor, failed = spotrf(matrix, lower=1, overwrite_a=1)
    inverse, failed_too = spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the Gram matrix cannot be inverted in single precision; raise regularization")
    return np.asarray(inverse, np.float32)


def _symmetric_rows(lower: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
    """Rows `start` to `end` of the symmetric matrix of which only the lower triangle is filled."""
    rows = np.empty((end - start, len(lower)), np.float32)
    rows[:, :start] = lower[start:end, :start]
    rows[:, end:] = lower[end:, start:end].T
    corner = np.tril(lower[start:end, start:end])
    rows[:, start:end] = corner + np.tril(corner, -1).T
    return rows


def _largest(weights: NDArray[np.float32], most: int) -> SparseRows:
    """The `most` entries of each row that are largest by size, whatever their sign; ties to the lower column."""
    indices, kept, lengths = [np.empty(0, np.int32)], [np.empty(0, np.float32)], [np.zeros(1, np.int64)]
    for start in range(0, len(weights), _ROWS):
        rows = weights[start : start + _ROWS]
        inside = _large(np.abs(rows), most)
        indices.append(np.nonzero(inside)[1].astype(np.int32))
        kept.append(rows[inside])
        lengths.append(inside.sum(axis=1, dtype=np.int64))
    return SparseRows(np.cumsum(np.concatenate(lengths)), np.concatenate(indices), np.concatenate(kept))


def _large(sizes: NDArray[np.float32], most: int) -> NDArray[np.bool_]:
    """Where the `most` largest of each row are; ties to the lower column, zeros nowhere."""
    inside = sizes > 0
    count = sizes.shape[1]
    if count <= most:
        return inside
    least = np.partition(sizes, count - most, axis=1)[:, count - most, None]
    inside &= sizes >= least
    tied = np.flatnonzero(inside.sum(axis=1) > most)
    last = sizes[tied] == least[tied]
    room = most - (inside[tied] & ~last).sum(axis=1, keepdims=True)
    inside[tied] &= ~last | (np.cumsum(last, axis=1) <= room)
    return inside
