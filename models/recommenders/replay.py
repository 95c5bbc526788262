"""Replay: the last part of the interactions asked again as queries, for whoever learns from what was taken next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Codes
from models.recommenders.base import Interactions, Query

_LONGEST = 200


@dataclass(frozen=True)
class Replay:
    """`queries` as they would have come, each with the codes of what was `taken` at that moment; `before` is all that
    could be known when the first of them came."""

    before: Interactions
    queries: Sequence[Query]
    taken: Sequence[Codes]


def replay(interactions: Interactions, part: float, most: int) -> Replay:
    """The moments of the last `part` of the interactions that have a history, evenly thinned to `most`.

    A query tells the customer's 200 latest interactions before the moment, those of the last part included: whoever
    answers knows the visitor, the model that is judged does not know the last part.
    """
    if not len(interactions.days):
        return Replay(interactions, (), ())
    order = np.lexsort((interactions.weights, interactions.items, interactions.days, interactions.customers))
    customers, days = interactions.customers[order], interactions.days[order]
    items, weights = interactions.items[order], interactions.weights[order]
    split = float(np.quantile(days, 1 - part, method="higher"))
    begins = np.flatnonzero(np.append(True, (np.diff(customers) != 0) | (np.diff(days) != 0)))
    ends = np.append(begins[1:], len(days))
    first = np.searchsorted(customers, customers[begins])
    asked = np.flatnonzero((days[begins] >= split) & (begins > first))
    asked = asked[np.argsort(days[begins[asked]], kind="stable")]
    if len(asked) > most:
        asked = asked[np.linspace(0, len(asked) - 1, most).astype(np.int64)]
    queries, taken = [], []
    for moment in asked:
        start = int(begins[moment])
        told = slice(max(int(first[moment]), start - _LONGEST), start)
        ids = interactions.item_ids[items[told]]
        queries.append(Query(float(days[start]), ids, days[told], weights[told]))
        taken.append(items[start : ends[moment]])
    return Replay(interactions.before(split), queries, taken)
