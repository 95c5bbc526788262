"""Questions of the past whose answers are known: what a ranker learns from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arrays import Codes
from models.recommenders.base import Interactions, Query


@dataclass(frozen=True)
class PastQuestion:
    """What a customer could have asked then, the codes `wanted` in the time after it, and all `seen` before it."""

    query: Query
    wanted: Codes
    seen: Codes


def past_questions(
    interactions: Interactions, day: float, horizon: float, length: int, most: int, rng: np.random.Generator
) -> Iterator[PastQuestion]:
    """Those of `day`: one a customer who had a history by then and took a product known by then within `horizon` days.

    Histories are cut to their latest `length` entries, as the feature store keeps them. Taken is what was ordered, or
    any interaction where orders are not known. `rng` draws `most` customers where there are more.
    """
    count = max(len(interactions.item_ids), 1)
    before = interactions.before(day)
    lengths = np.bincount(before.customers, minlength=before.customer_count)
    ordered = np.ones(len(interactions.items), bool) if interactions.orders is None else interactions.orders >= 0
    after = (interactions.days >= day) & (interactions.days < day + horizon) & ordered
    known = np.bincount(before.items, minlength=count) > 0
    cells = np.unique(interactions.customers[after].astype(np.int64) * count + interactions.items[after])
    customers, products = np.divmod(cells, count)
    customers, products = customers[known[products]], products[known[products]].astype(np.int32)
    wanted = np.searchsorted(customers, np.arange(before.customer_count + 1))
    asking = np.flatnonzero((lengths > 0) & (np.diff(wanted) > 0))
    if len(asking) > most:
        asking = np.sort(rng.choice(asking, most, replace=False))
    # Of those who are asked, and of nobody else: to sort everybody's rows takes longer than all answers.
    asked = np.zeros(before.customer_count, bool)
    asked[asking] = True
    own = np.flatnonzero(asked[before.customers])
    order = own[np.lexsort((before.items[own], before.weights[own], before.days[own], before.customers[own]))]
    ends = np.cumsum(lengths[asking])
    for customer, end in zip(asking.tolist(), ends.tolist(), strict=True):
        rows = order[end - lengths[customer] : end]
        latest = rows[-length:]
        query = Query(day, before.item_ids[before.items[latest]], before.days[latest], before.weights[latest])
        taken = products[wanted[customer] : wanted[customer + 1]]
        yield PastQuestion(query, taken, np.unique(before.items[rows]))
