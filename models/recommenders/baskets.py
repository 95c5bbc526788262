"""Baskets: what was bought in one order, and what one customer bought in all his time, as rows of products."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.interaction_matrix import decay


@dataclass(frozen=True)
class Baskets:
    """Row b of `lines` (baskets, items) holds a 1 for each product of basket b; `days` is when it was completed."""

    lines: "csr_array[np.float64]"
    days: Floats

    @classmethod
    def of_orders(cls, interactions: Interactions) -> "Baskets":
        """One basket an order; where orders are not known, all that a customer wanted on one day (in UTC)."""
        bought = _bought(interactions)
        if bought.orders is not None:
            return cls._of(bought.orders, bought)
        # Counted back from the newest day, so that the codes stay small.
        ages = (np.floor(bought.days.max(initial=0)) - np.floor(bought.days)).astype(np.int64)
        return cls._of(bought.customers.astype(np.int64) * (ages.max(initial=0) + 1) + ages, bought)

    @classmethod
    def of_customers(cls, interactions: Interactions, most: int) -> "Baskets":
        """One basket a customer, with the `most` products that he bought last.

        Not with all, as the pairs of a household of many years would cost more than those of all orders, and say less.
        """
        bought = _latest(_bought(interactions), most)
        return cls._of(bought.customers, bought)

    @classmethod
    def _of(cls, owners: NDArray[np.integer], interactions: Interactions) -> "Baskets":
        width = len(interactions.item_ids)
        found, rows = np.unique(owners, return_inverse=True)
        days = np.full(len(found), -np.inf)
        np.maximum.at(days, rows, interactions.days)
        cells = np.unique(rows * max(width, 1) + interactions.items)
        rows, columns = np.divmod(cells, max(width, 1))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(found)))]).astype(np.int32)
        lines = csr_array((np.ones(len(cells)), columns.astype(np.int32), indptr), shape=(len(found), width))
        return cls(lines, days)

    def weights(self, half_life: float | None, crowding: float) -> Floats:
        """What each basket counts: half as much every `half_life` days, and over its other lines to the `crowding`.

        >>> lines = csr_array(np.array([[1.0, 1, 0, 0, 0], [1, 1, 1, 1, 1]]))
        >>> Baskets(lines, np.array([14.0, 7.0])).weights(7.0, 0.5).tolist()
        [1.0, 0.25]
        """
        others = np.maximum(np.diff(self.lines.indptr) - 1, 1)
        return np.asarray(decay(self.days, half_life) * others**-crowding, np.float64)


def _bought(interactions: Interactions) -> Interactions:
    """Only the lines of orders, where these are known."""
    if interactions.orders is None:
        return interactions
    return _of_lines(interactions, np.flatnonzero(interactions.orders >= 0))


def _latest(interactions: Interactions, most: int) -> Interactions:
    """Of each (customer, product) the last line, and of a customer the `most` latest of these."""
    order = np.lexsort((-interactions.days, interactions.items, interactions.customers))
    cells = interactions.customers[order].astype(np.int64) * max(len(interactions.item_ids), 1)
    last = order[np.unique(cells + interactions.items[order], return_index=True)[1]]
    last = last[np.lexsort((interactions.items[last], -interactions.days[last], interactions.customers[last]))]
    lengths = np.bincount(interactions.customers[last], minlength=interactions.customer_count)
    places = np.arange(len(last)) - (np.cumsum(lengths) - lengths).repeat(lengths)
    return _of_lines(interactions, last[places < most])


def _of_lines(interactions: Interactions, lines: NDArray[np.int64]) -> Interactions:
    return replace(
        interactions,
        customers=interactions.customers[lines],
        items=interactions.items[lines],
        days=interactions.days[lines],
        weights=interactions.weights[lines],
        orders=None if interactions.orders is None else interactions.orders[lines],
    )
