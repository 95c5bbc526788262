"""Interactions as a matrix of customers by products: old ones fade, the tenth of a kind says less than the first."""

import numpy as np
from scipy.sparse import csr_array

from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.cells import Cells


def decay(days: Floats, half_life: float | None) -> Floats:
    """What an interaction still counts: it halves every `half_life` days behind the newest one; None means for ever.

    >>> decay(np.array([10.0, 24.0]), 14.0).tolist()
    [0.5, 1.0]
    """
    if half_life is None or not len(days):
        return np.ones(len(days))
    if half_life <= 0:
        raise ValueError(f"half_life={half_life} days; use a positive number, or None to keep everything")
    halvings = np.asarray(days - days.max(), np.float64)
    halvings /= half_life
    return np.exp2(halvings, out=halvings)


def interaction_matrix(
    interactions: Interactions, half_life: float | None, power: float, cells: Cells | None = None
) -> "csr_array[np.float64]":
    """The decayed weights of each (customer, product), added up and raised to `power`; shape (customers, items).

    `power` below 1 is the sublinear frequency of text retrieval (Salton and Buckley, 1988). Entries are added in an
    order of their own, so the order of the interactions does not show in the last digit. `cells` are those of the
    interactions, where the caller has them.
    """
    shape = (interactions.customer_count, len(interactions.item_ids))
    cells = cells or Cells.of(interactions)
    weights = decay(interactions.days, half_life)
    weights *= interactions.weights
    weights = cells.gathered(weights)
    values = np.add.reduceat(weights, cells.starts) if len(cells.starts) else np.empty(0)
    kept = values > 0
    before = np.concatenate([[0], np.cumsum(kept)])
    return csr_array((values[kept] ** power, cells.items[kept], before[cells.bounds].astype(np.int32)), shape=shape)
