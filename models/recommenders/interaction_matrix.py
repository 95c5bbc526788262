"""Interactions as a matrix of customers by products: old ones fade, the tenth of a kind says less than the first."""

import numpy as np
from scipy.sparse import csr_array

from models.arrays import Floats
from models.recommenders.base import Interactions


def decay(days: Floats, half_life: float | None) -> Floats:
    """What an interaction still counts: it halves every `half_life` days behind the newest one; None means for ever.

    >>> decay(np.array([10.0, 24.0]), 14.0).tolist()
    [0.5, 1.0]
    """
    if half_life is None or not len(days):
        return np.ones(len(days))
    if half_life <= 0:
        raise ValueError(f"half_life={half_life} days; use a positive number, or None to keep everything")
    return np.asarray(np.exp2((days - days.max()) / half_life), np.float64)


def interaction_matrix(interactions: Interactions, half_life: float | None, power: float) -> "csr_array[np.float64]":
    """The decayed weights of each (customer, product), added up and raised to `power`; shape (customers, items).

    `power` below 1 is the sublinear frequency of text retrieval (Salton and Buckley, 1988). Entries are added in an
    order of their own, so the order of the interactions does not show in the last digit.
    """
    shape = (interactions.customer_count, len(interactions.item_ids))
    weights = interactions.weights * decay(interactions.days, half_life)
    cells = interactions.customers.astype(np.int64) * max(shape[1], 1) + interactions.items
    order = np.lexsort((weights, cells))
    cells = cells[order]
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])[: len(cells)])
    cells = cells[starts]
    values = np.add.reduceat(weights[order], starts) if len(starts) else np.empty(0)
    kept = values > 0
    rows, columns = np.divmod(cells[kept], max(shape[1], 1))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
    return csr_array((values[kept] ** power, columns.astype(np.int32), indptr.astype(np.int32)), shape=shape)
