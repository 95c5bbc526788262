"""A query's history as a model sees it: known products, each with what its interactions still count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.compiled import compiled
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
        products, totals, owners, firsts, starts = _totals(told.cells, weights, width, len(queries))
        bounds, ends = firsts.tolist(), starts.tolist()
        found = []
        if len(_LATEST) + len(queries) > _REMEMBERED:
            _LATEST.clear()
        for place, (query, known) in enumerate(zip(queries, codes, strict=True)):
            low, high, start, end = bounds[place], bounds[place + 1], ends[place], ends[place + 1]
            one = cls(
                products[low:high],
                totals[low:high],
                entries[start:end],
                owners[start:end],
                weights[start:end],
                len(known),
            )
            found.append(one)
            _LATEST[id(query), id(known), forgetting] = (one, query, known)
        return found

    def shared_out(self, added: Floats) -> Floats:
        """From (products, items) to (length, items): each entry gets its share of what its product added."""
        return _shared_out(added, self.entries, self.owners, self.weights, self.totals, self.length)


@compiled
def _totals(
    cells: NDArray[np.int64], weights: Floats, width: int, queries: int
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of entries sorted by `cells`, query * `width` + product: distinct products and their sums, query after query; the
    place of each entry's product among its query's; where the products and where the entries of each query begin."""
    products, totals, owners = np.empty(len(cells), np.int64), np.zeros(len(cells)), np.empty(len(cells), np.int64)
    firsts, starts = np.zeros(queries + 1, np.int64), np.zeros(queries + 1, np.int64)
    count = query = 0
    for entry in range(len(cells)):
        while cells[entry] >= (query + 1) * width:
            query += 1
            firsts[query], starts[query] = count, entry
        if not entry or cells[entry] != cells[entry - 1]:
            products[count] = cells[entry] - query * width
            count += 1
        totals[count - 1] += weights[entry]
        owners[entry] = count - 1 - firsts[query]
    firsts[query + 1 :], starts[query + 1 :] = count, len(cells)
    return products[:count], totals[:count], owners, firsts, starts


@compiled
def _shared_out(
    added: Floats,
    entries: NDArray[np.int64],
    owners: NDArray[np.int64],
    weights: Floats,
    totals: Floats,
    length: int,
) -> Floats:
    shares = np.zeros((length, added.shape[1]))
    for place in range(len(entries)):
        share = weights[place] / totals[owners[place]]
        for item in range(added.shape[1]):
            shares[entries[place], item] = added[owners[place], item] * share
    return shares


_REMEMBERED = 128
_LATEST: dict[tuple[int, int, Forgetting], tuple[History, Query, Codes]] = {}
"""Holds query and codes too, so that nobody else can have their identity."""
