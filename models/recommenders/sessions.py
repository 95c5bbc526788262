"""Sessions: what a customer touched in one go and in which order, and the session that a query stands in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.base import Interactions, Query

_MOST_STEPS = 50
"""A session that is longer is a robot's or a whole life's; its latest steps say what it is about."""


@dataclass(frozen=True)
class Sessions:
    """Session s holds `items[indptr[s]:indptr[s + 1]]`, by `steps` that rise from 0; one moment is one step.

    A pause of more than `gap_days` ends a session. One product of one moment stands there once, with its largest
    weight. Sessions are ordered by their `ends` (in days); whose they were is forgotten.
    """

    indptr: NDArray[np.int64]
    items: Codes
    steps: NDArray[np.int32]
    weights: Floats
    ends: Floats

    @classmethod
    def of(cls, interactions: Interactions, gap_days: float) -> "Sessions":
        """Cut every customer's interactions at the pauses."""
        order = np.lexsort((interactions.weights, interactions.items, interactions.days, interactions.customers))
        customers, days = interactions.customers[order], interactions.days[order]
        items, weights = interactions.items[order], interactions.weights[order]
        starts = _changes(customers) | np.insert(np.diff(days) > gap_days, 0, True)[: len(days)]
        moments = starts | _changes(days)
        doubled = ~(np.append(moments, True) | np.append(_changes(items), True))[1:]
        session = (np.cumsum(starts) - 1)[~doubled]
        moment = np.cumsum(moments)[~doubled]
        items, weights, days = items[~doubled], weights[~doubled], days[~doubled]
        lengths = np.bincount(session)
        first = np.cumsum(lengths) - lengths
        steps = moment - np.repeat(moment[first], lengths)
        ends = days[first + lengths - 1]
        # Sessions that end together are told apart by what is in them, never by whose they are.
        digests = np.bincount(session, (items + 1) * np.int64(2_654_435_761) % (7_919 + 31 * steps), len(lengths))
        ranked = np.lexsort((digests, lengths, days[first], ends))
        places = spans(first[ranked], lengths[ranked])
        indptr = np.concatenate([[0], np.cumsum(lengths[ranked])]).astype(np.int64)
        return cls(indptr, items[places], steps[places].astype(np.int32), weights[places], ends[ranked])

    def lengths(self) -> NDArray[np.int64]:
        """How many entries each session has."""
        return np.diff(self.indptr)

    def kept(self, sessions: NDArray[np.integer]) -> "Sessions":
        """Only these, in the order given."""
        lengths = self.lengths()[sessions]
        places = spans(self.indptr[sessions], lengths)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Sessions(indptr, self.items[places], self.steps[places], self.weights[places], self.ends[sessions])


@dataclass(frozen=True)
class CurrentSession:
    """What the visitor did in his last session, newest first, each product of one moment once.

    `products` are codes, `ages` how many steps ago (0 is the newest), `entries` the places in the query's history (-1
    for a product of the context, which counts as the newest step), `weights` those of the history.
    """

    products: NDArray[np.int64]
    ages: NDArray[np.int64]
    weights: Floats
    entries: NDArray[np.int64]

    @classmethod
    def of(cls, query: Query, codes: Codes, context: Codes, gap_days: float) -> "CurrentSession":
        """The last session of the history, however long ago, and the context; `codes` are -1 for what is not known.

        A shop with an old import is so answered as on its last day.
        """
        entries = np.flatnonzero(codes >= 0)
        days, products = np.minimum(query.days[entries], query.day), codes[entries].astype(np.int64)
        order = np.lexsort((-query.weights[entries], products, -days))
        entries, days, products = entries[order], days[order], products[order]
        back = days[:-1] - days[1:]
        ages = np.zeros(len(entries), np.int64)
        np.cumsum(back > 0, out=ages[1:])
        kept = ages < _MOST_STEPS
        kept[1:] &= (back > 0) | (products[1:] != products[:-1])
        pauses = np.flatnonzero(back > gap_days)
        if len(pauses):
            kept[pauses[0] + 1 :] = False
        entries, products, ages = entries[kept], products[kept], ages[kept]
        weights = query.weights[entries]
        pages = np.unique(context[context >= 0]).astype(np.int64)
        if len(pages) and not np.isin(pages, products[ages == 0]).all():
            products, ages = np.concatenate([pages, products]), np.concatenate([np.zeros(len(pages), int), ages + 1])
            entries = np.concatenate([np.full(len(pages), -1), entries])
            weights = np.concatenate([np.ones(len(pages)), weights])
        return cls(products, ages, weights, entries)

    def shared_out(self, added: Floats, length: int) -> Floats:
        """From one row for each of `products` to one for each of the `length` entries of the history."""
        rows = np.zeros((length, added.shape[1]))
        told = self.entries >= 0
        rows[self.entries[told]] = added[told]
        return rows


def spans(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The places start, start + 1, ... of every span, one after the other.

    >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _changes(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a value differs from the one before; the first one does."""
    return np.insert(values[1:] != values[:-1], 0, True)[: len(values)]
