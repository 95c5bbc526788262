"""ItemItem: products are alike that the same people wanted, and more so when they wanted them at about the same time.

Cosine between products, as in Sarwar, Karypis, Konstan and Riedl, "Item-based collaborative filtering recommendation
algorithms" (WWW 2001), with shrinkage; the decay in time between two interactions follows Ding and Li, "Time weight
collaborative filtering" (CIKM 2005), in the form below.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from models.recommenders.base import Interactions
from models.recommenders.history import Forgetting
from models.recommenders.interaction_matrix import interaction_matrix
from models.recommenders.linear import FittedLinear
from models.recommenders.sparse_rows import SparseRows, strongest
from models.recommenders.strongest_products import strongest_products

_ROWS = 1_000
_SHIFTS = (0.0, 0.5)
_KIN = 20
"""A product is known by these of its neighbours; with 100 it costs many times more and is as good."""


@dataclass(frozen=True)
class ItemItem:
    """Cosine between products over customers and over stretches of their time.

    Fitting: x(u, i) are a customer's interactions with a product, halved every `half_life` days, to the `power`. Beside
    the whole of a customer count the stretches of `window` days in which he wanted anything, with weight `together`, in
    two rows of stretches shifted by half: interactions t days apart meet in a share of about 1 - t / window of them. So
    what was wanted together counts up to 1 + `together` times as much as what was wanted years apart. A row with n
    products counts (n - 1) to minus `crowding`, as it says little about each of its pairs. `shrinkage` is added below
    the fraction, so that a few customers do not make a resemblance.

    The `neighbours` strongest of each product stay. Products whose neighbours are alike are kin, even if people want
    one or the other and never both: for `similar` alone the cosine of two products' rows of neighbours, times
    `kinship`, is added to that of the products, whose rows are first brought to length 1. In answers to a history it
    does harm.

    Asking: an interaction counts (1 + age / `fade_days`) to minus `fade`, and a product's sum to `history_power`.
    """

    name: ClassVar[str] = "item_item"
    half_life: float | None = None
    power: float = 0.5
    window: float = 7.0
    together: float = 1.0
    crowding: float = 0.5
    kinship: float = 1.0
    shrinkage: float = 3.0
    neighbours: int = 100
    fade_days: float = 30.0
    fade: float = 0.7
    history_power: float = 0.75

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"neighbours={self.neighbours}; a product needs at least one, 100 lose nothing")
        if self.window <= 0 or min(self.together, self.kinship, self.shrinkage) < 0:
            raise ValueError(
                f"window={self.window}, together={self.together}, kinship={self.kinship}, shrinkage={self.shrinkage}: "
                "a window has a length, and the others leave their part out at 0"
            )

    def fit(self, interactions: Interactions) -> FittedLinear:
        """Multiply products with products and keep the strongest."""
        wanted = self._wanted(interactions)
        lengths = np.sqrt(np.bincount(wanted.indices, wanted.data**2, wanted.shape[1]))
        rows = strongest_products(wanted.T.tocsr(), wanted, self.neighbours, lengths, self.shrinkage)
        return FittedLinear(
            self.name,
            interactions.item_ids,
            interactions.until,
            rows,
            self._forgetting(),
            self.history_power,
            nearest=_with_kin(rows, self.kinship, self.neighbours) if self.kinship > 0 else None,
        )

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured: 170 bytes an interaction, as each counts in three matrices, and 48 a neighbour."""
        return 170 * len(interactions.items) + 48 * self.neighbours * len(interactions.item_ids) + 2**24

    def way_out(self, interactions: Interactions, memory: int) -> str:  # noqa: ARG002
        """What grows is the history."""
        return "train on fewer days, or on a machine with more memory; fewer neighbours help where products are many"

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedLinear:
        """The fitted model whose `arrays()` were saved."""
        return FittedLinear.restored(self.name, arrays, self._forgetting(), self.history_power)

    def _wanted(self, interactions: Interactions) -> "csr_array[np.float64]":
        """Customers, and below them the stretches of their time, by products."""
        parts = [self._counted(interactions)]
        for shift in _SHIFTS if self.together > 0 else ():
            stretches = self._counted(_cut(interactions, self.window, shift))
            parts.append(stretches * np.sqrt(self.together / len(_SHIFTS)))
        return vstack(parts, format="csr")

    def _counted(self, interactions: Interactions) -> "csr_array[np.float64]":
        found = interaction_matrix(interactions, self.half_life, self.power)
        lengths = np.diff(found.indptr)
        found.data *= (np.maximum(lengths - 1, 1) ** (-self.crowding / 2)).repeat(lengths)
        return found

    def _forgetting(self) -> Forgetting:
        return Forgetting(self.fade_days, self.fade)


def _cut(interactions: Interactions, window: float, shift: float) -> Interactions:
    """The same interactions as if each customer were another one in every stretch of `window` days."""
    if not len(interactions.days):
        return interactions
    # Counted from the newest interaction, so that the same shop a day later is cut in the same places.
    stretches = np.floor((interactions.days.max() - interactions.days) / window + shift).astype(np.int64)
    cells = interactions.customers.astype(np.int64) * (stretches.max() + 1) + stretches
    found, customers = np.unique(cells, return_inverse=True)
    return replace(interactions, customers=customers.astype(np.int32), customer_count=len(found), orders=None)


def _with_kin(rows: SparseRows, kinship: float, most: int) -> SparseRows:
    """Rows of length 1, plus `kinship` times the cosine of the `_KIN` strongest entries of every two rows."""
    count = len(rows.indptr) - 1
    near = csr_array((rows.weights.astype(np.float64), rows.indices, rows.indptr), shape=(count, count))
    kin = strongest(near, _KIN, first=-count)
    kin_rows = _of_length_one(csr_array((kin.weights.astype(np.float64), kin.indices, kin.indptr), shape=near.shape))
    near, across = _of_length_one(near), kin_rows.T.tocsr()
    blocks = []
    for start in range(0, count, _ROWS):
        span = slice(start, start + _ROWS)
        blocks.append(strongest(near[span] + kinship * (kin_rows[span] @ across), most, first=start))
    return SparseRows.stack(blocks)


def _of_length_one(matrix: "csr_array[np.float64]") -> "csr_array[np.float64]":
    """Each row over its length; an empty one stays empty."""
    lengths = np.diff(matrix.indptr)
    sums = np.add.reduceat(np.append(matrix.data**2, 0), matrix.indptr[:-1]) if len(lengths) else np.empty(0)
    matrix.data /= np.sqrt(sums).repeat(lengths)
    return matrix
