"""Sequences without a clock as the family's own data: a sequence is a customer, its steps are one second apart.

Ids are the numbers of the file, padded with zeros so that they sort as numbers do.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, codes_of
from models.recommenders.base import FittedRecommender, Interactions, Query, Ranking
from training.bootstrap import Interval, paired

SECOND = 1 / 86_400
START = 18_000.0
Steps = Sequence[int]


@dataclass(frozen=True)
class Asked:
    """What was answered to each query: the `places` of the target in the top k (0 for the first, k for none)."""

    places: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    k: int
    cpu_ms: float

    def hit(self) -> Floats:
        """1 where the target was in the top k: its mean is HR@k, with one target also P@k and Recall@k."""
        return (self.places < self.k).astype(np.float64)

    def reciprocal(self) -> Floats:
        """1 / rank, 0 beyond k: its mean is MRR@k."""
        return np.where(self.places < self.k, 1 / (self.places + 1.0), 0.0)

    def gain(self) -> Floats:
        """1 / log2(1 + rank), 0 beyond k: its mean is NDCG@k."""
        return np.where(self.places < self.k, 1 / np.log2(self.places + 2.0), 0.0)


def id_of(item: int) -> str:
    """The id of a number of the file."""
    return f"{item:07d}"


def interactions(sequences: Sequence[Steps], starts: Floats | None = None) -> Interactions:
    """One customer a sequence. Where the file tells only their order, a thousand start a day."""
    if starts is None:
        starts = START + np.arange(len(sequences)) / 1_000
    lengths = np.array([len(steps) for steps in sequences])
    flat = np.concatenate([np.asarray(steps, np.int64) for steps in sequences])
    items = np.unique(flat)
    step = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    days = np.repeat(starts, lengths) + SECOND * step
    return Interactions(
        customers=np.repeat(np.arange(len(sequences), dtype=np.int32), lengths),
        items=np.searchsorted(items, flat).astype(np.int32),
        days=days,
        weights=np.ones(len(flat)),
        item_ids=np.array([id_of(item) for item in items.tolist()], object),
        customer_count=len(sequences),
        until=float(days.max()),
    )


def query(steps: Steps, day: float) -> Query:
    """A visitor who has just taken these steps."""
    count = len(steps)
    ids = np.array([id_of(item) for item in steps], object)
    return Query(day, ids, day - SECOND * np.arange(count, 0, -1.0), np.ones(count))


def ask(
    model: FittedRecommender, cases: Sequence[tuple[Steps, int]], k: int, day: float, new_only: bool = False
) -> Asked:
    """Ask for the k best after each prefix, one query at a time; with `new_only` nothing of the prefix is answered."""
    queries = [query(steps, day) for steps, _ in cases]
    answers: list[Ranking] = []
    started = time.process_time()
    for one in queries:
        allow = None
        if new_only:
            had = codes_of(one.history_ids, model.item_ids)
            allow = np.ones(len(model.item_ids), bool)
            allow[had[had >= 0]] = False
        answers.append(model.recommend([one], k, allow))
    spent = time.process_time() - started
    places = np.full(len(cases), k, np.int64)
    for row, (answer, (_, target)) in enumerate(zip(answers, cases, strict=True)):
        found = np.flatnonzero(answer.ids[0] == id_of(target))
        places[row] = found[0] if len(found) else k
    return Asked(places, k, 1_000 * spent / max(len(cases), 1))


def thinned(cases: Sequence[tuple[Steps, int]], most: int, seed: int) -> list[tuple[Steps, int]]:
    """At most `most` of them, drawn with the seed."""
    if len(cases) <= most:
        return list(cases)
    return [cases[place] for place in np.sort(np.random.default_rng(seed).permutation(len(cases))[:most])]


def above(mine: Floats, other: Floats) -> Interval:
    """The paired difference over the queries, 1,000 draws."""
    return paired(mine, other, np.random.default_rng(0))
