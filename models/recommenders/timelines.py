"""The histories of several queries side by side, sorted once: what is counted in them is counted for all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.compiled import compiled
from models.recommenders.base import Query

Places = NDArray[np.int64]

_PATIENCE = 28.0
"""A customer who comes back after longer than this many days is answered as he would have been then: by that time which
of his interactions were the latest still shows, years later all would look equally old."""


def moment(query: Query, days: Floats) -> float:
    """The day as of which interactions on `days` are weighed: that of the query, unless the customer came back late."""
    return float(min(query.day, days.max(initial=-np.inf) + _PATIENCE)) if len(days) else query.day


@dataclass(frozen=True)
class Timelines:
    """One row an entry that the model knows, query after query, each query's in the order of time.

    `owners` is the query of an entry, `products` its code, `places` where it stands in the query's history. `order`
    sorts the entries by query, product, time and weight: an order of their own, so that the order of a history shows in
    the last digit of no sum. `cells` are query * `width` + product in that order. Entries of query q lie between
    `starts[q]` and `starts[q + 1]`, and `now[q]` is the `moment` as of which they are weighed.
    """

    width: int
    starts: Places
    owners: Places
    products: Places
    days: Floats
    weights: Floats
    places: Places
    order: Places
    cells: Places
    now: Floats

    @classmethod
    def of(cls, queries: Sequence[Query], codes: Sequence[Codes], width: int) -> "Timelines":
        """Of `queries`, at most some thousands; `codes` are those of each one's `history_ids`, below `width` or -1.

        The latest are remembered by which queries they are of: the sources of a ranker and its columns ask alike.
        """
        global _latest  # noqa: PLW0603 - one name, set at once, so that threads see a whole answer or none
        asked = (*map(id, queries), *map(id, codes), width)
        known = _latest
        if known is None or known[0] != asked:
            known = _latest = (asked, cls._of(queries, codes, width), tuple(queries), tuple(codes))
        return known[1]

    @classmethod
    def _of(cls, queries: Sequence[Query], codes: Sequence[Codes], width: int) -> "Timelines":
        lengths = np.array([len(each) for each in codes], np.int64)
        products = np.concatenate([np.empty(0, np.int64), *codes])
        days = np.concatenate([np.empty(0), *(query.days for query in queries)])
        weights = np.concatenate([np.empty(0), *(query.weights for query in queries)])
        owners, places, known = _counted(lengths, products)
        if len(known) < len(products):
            owners, products, days, weights, places = (
                column[known] for column in (owners, products, days, weights, places)
            )
        order, cells = by_product(owners, products, width)
        if not _in_order(owners, cells, days, weights, order):
            by_time = np.lexsort((weights, days, owners))
            owners, products, days, weights, places = (
                column[by_time] for column in (owners, products, days, weights, places)
            )
            order, cells = by_product(owners, products, width)
        starts, now = _moments(owners, days, np.array([query.day for query in queries], np.float64))
        return cls(width, starts, owners, products, days, weights, places, order, cells, now)


@compiled
def _counted(lengths: Places, products: Places) -> tuple[Places, Places, Places]:
    """Query and place in its history of each entry of histories that are so long, and which entries are known."""
    owners, places = np.empty(len(products), np.int64), np.empty(len(products), np.int64)
    known = np.empty(len(products), np.int64)
    entry = count = 0
    for owner in range(len(lengths)):
        for place in range(lengths[owner]):
            owners[entry], places[entry] = owner, place
            if products[entry] >= 0:
                known[count] = entry
                count += 1
            entry += 1
    return owners, places, known[:count]


def by_product(owners: Places, products: Places, width: int) -> tuple[Places, Places]:
    """The order by query and product, what is equal in the order it has; and query * `width` + product in it."""
    # One number holds product and place, as numbers are sorted ten times as fast as places by their numbers.
    bits = len(owners).bit_length()
    packed = np.sort(((owners * width + products) << bits) | np.arange(len(owners)))
    return packed & ((1 << bits) - 1), packed >> bits


@compiled
def _in_order(owners: Places, cells: Places, days: Floats, weights: Floats, order: Places) -> bool:
    """Whether the days of each query rise, and those of each of its products with the weights of one moment."""
    for entry in range(1, len(owners)):
        if owners[entry] == owners[entry - 1] and days[entry] < days[entry - 1]:
            return False
        if cells[entry] == cells[entry - 1]:
            one, next_ = order[entry - 1], order[entry]
            if days[next_] < days[one] or (days[next_] == days[one] and weights[next_] < weights[one]):
                return False
    return True


@compiled
def _moments(owners: Places, days: Floats, asked: Floats) -> tuple[Places, Floats]:
    """Where the entries of each query begin and end, and the moment as of which they are weighed."""
    starts = np.searchsorted(owners, np.arange(len(asked) + 1))
    now = asked.copy()
    for query in range(len(asked)):
        if starts[query] < starts[query + 1]:
            now[query] = min(asked[query], days[starts[query + 1] - 1] + _PATIENCE)
    return starts, now


_latest: tuple[tuple[int, ...], Timelines, tuple[Query, ...], tuple[Codes, ...]] | None = None
"""Holds queries and codes too, so that nobody else can have their identity."""
