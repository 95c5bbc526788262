"""A query's history as a model sees it: known products, each with what its interactions still count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.base import Query
from models.recommenders.timelines import Timelines


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
        known = _LATEST.get((id(query), id(codes), forgetting))
        if known is None:
            return cls.of_all([query], [codes], int(codes.max(initial=0)) + 1, forgetting)[0]
        return known[0]

    @classmethod
    def of_all(
        cls, queries: Sequence[Query], codes: Sequence[Codes], width: int, forgetting: Forgetting
    ) -> "list[History]":
        """The same of each of `queries`, counted together; all `codes` are below `width`."""
        told = Timelines.of(queries, codes, width)
        counted = told.weights * forgetting.weight(np.maximum(told.now[told.owners] - told.days, 0))
        weights, entries = counted[told.order], told.places[told.order]
        first = np.append(True, told.cells[1:] != told.cells[:-1])[: len(told.cells)]
        owners = np.cumsum(first) - 1
        askers, products = np.divmod(told.cells[first], width)
        totals = np.bincount(owners, weights, len(products)).astype(np.float64, copy=False)
        bounds = np.searchsorted(askers, np.arange(len(queries) + 1)).tolist()
        ends = np.append(np.flatnonzero(first), len(first))[bounds].tolist()
        found = []
        if len(_LATEST) + len(queries) > _REMEMBERED:
            _LATEST.clear()
        for place, (query, known) in enumerate(zip(queries, codes, strict=True)):
            low, high, start, end = bounds[place], bounds[place + 1], ends[place], ends[place + 1]
            one = cls(
                products[low:high],
                totals[low:high],
                entries[start:end],
                owners[start:end] - low,
                weights[start:end],
                len(known),
            )
            found.append(one)
            _LATEST[id(query), id(known), forgetting] = (one, query, known)
        return found

    def shared_out(self, added: Floats) -> Floats:
        """From (products, items) to (length, items): each entry gets its share of what its product added."""
        shares = np.zeros((self.length, added.shape[1]))
        shares[self.entries] = added[self.owners] * (self.weights / self.totals[self.owners])[:, None]
        return shares


_REMEMBERED = 128
_LATEST: dict[tuple[int, int, Forgetting], tuple[History, Query, Codes]] = {}
"""Holds query and codes too, so that nobody else can have their identity."""
