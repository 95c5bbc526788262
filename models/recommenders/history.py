"""A query's history as a model sees it: known products, each with what its interactions still count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.base import Query

_PATIENCE = 28.0
"""A customer who comes back after longer than this many days is answered as he would have been then: by that time which
of his interactions were the latest still shows, years later all would look equally old."""


def moment(query: Query, days: Floats) -> float:
    """The day as of which interactions on `days` are weighed: that of the query, unless the customer came back late."""
    return float(min(query.day, days.max(initial=-np.inf) + _PATIENCE)) if len(days) else query.day


@dataclass(frozen=True)
class Forgetting:
    """An interaction of some age counts (1 + age / `days`) to minus `exponent`, as memory fades by a power of time.

    A power and not a half-life, as people return to what they bought long ago (on Complete Journey's validation weeks
    2 % more Recall@10), and as what happened this minute must not erase all that came before.

    >>> Forgetting(days=10.0, exponent=1.0).weight(np.array([0.0, 10.0])).tolist()
    [1.0, 0.5]
    """

    days: float
    exponent: float

    def weight(self, ages: Floats) -> Floats:
        """What interactions of these ages, in days, still count."""
        return (1 + ages / self.days) ** -self.exponent


@dataclass(frozen=True)
class History:
    """`products` are distinct codes and `totals` what their interactions count together.

    `entries` are the places in the query's history that the model knows, `owners` the index into `products` of each,
    and `weights` what it counts.
    """

    products: NDArray[np.int64]
    totals: Floats
    entries: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: Floats
    length: int

    @classmethod
    def of(cls, query: Query, codes: Codes, forgetting: Forgetting) -> "History":
        """What `query` tells; `codes` are those of its `history_ids`, -1 for a product that the model does not know.

        The latest are remembered by which query it is: a model is asked for scores first, and then for the reasons.
        """
        key = (id(query), id(codes), forgetting)
        known = _LATEST.get(key)
        if known is None:
            if len(_LATEST) >= _REMEMBERED:
                _LATEST.clear()
            _LATEST[key] = known = (cls._of(query, codes, forgetting), query, codes)
        return known[0]

    @classmethod
    def _of(cls, query: Query, codes: Codes, forgetting: Forgetting) -> "History":
        entries = np.flatnonzero(codes >= 0)
        days = query.days[entries]
        weights = query.weights[entries] * forgetting.weight(np.maximum(moment(query, days) - days, 0))
        # In an order of its own, so that the order of the history does not show in the last digit of a sum.
        order = np.lexsort((weights, codes[entries]))
        entries, weights = entries[order], weights[order]
        known = codes[entries]
        first = np.append(True, known[1:] != known[:-1])[: len(known)]
        products, owners = known[first], np.cumsum(first) - 1
        totals: Floats = np.bincount(owners, weights, len(products)).astype(np.float64)
        return cls(products.astype(np.int64), totals, entries, owners, weights, len(codes))

    def shared_out(self, added: Floats) -> Floats:
        """From (products, items) to (length, items): each entry gets its share of what its product added."""
        shares = np.zeros((self.length, added.shape[1]))
        shares[self.entries] = added[self.owners] * (self.weights / self.totals[self.owners])[:, None]
        return shares


_REMEMBERED = 64
_LATEST: dict[tuple[int, int, Forgetting], tuple[History, Query, Codes]] = {}
"""Holds query and codes too, so that nobody else can have their identity."""
