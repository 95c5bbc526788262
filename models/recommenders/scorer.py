"""Scorer: a recommender that can say what it thinks of every product, not only of its best ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from models.arrays import Floats
from models.recommenders.base import FittedRecommender, Query


@runtime_checkable
class Scorer(FittedRecommender, Protocol):
    """What a ranker asks of its sources: a candidate of one is seen with the scores of all, whatever is allowed."""

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), higher is better, -inf where it says nothing."""
        ...


@runtime_checkable
class BatchScorer(Scorer, Protocol):
    """A scorer that prepares several queries together for less than one by one."""

    @property
    def silence(self) -> float:
        """Says nothing of a product with this score or a lower one: 0 for what adds up, as to write -inf everywhere
        else costs as much as to add."""
        ...

    def scores_of_all(self, queries: Sequence[Query]) -> Iterator[Floats]:
        """Those of each query, in turn; the caller is done with one before it asks for the next."""
        ...


@dataclass(frozen=True)
class Voice:
    """A scorer as a batch asks it, by the way that costs least; it says nothing of what is not above `silence`."""

    scorer: Scorer
    silence: float
    batch: BatchScorer | None

    @classmethod
    def of(cls, scorer: Scorer) -> "Voice":
        """Of any scorer."""
        # Looked at once: to find out what a Protocol holds takes 20 us.
        batch = scorer if isinstance(scorer, BatchScorer) else None
        return cls(scorer, -np.inf if batch is None else batch.silence, batch)

    def scores_of_all(self, queries: Sequence[Query]) -> Iterator[Floats]:
        """Those of each query, in turn."""
        return map(self.scorer.scores, queries) if self.batch is None else self.batch.scores_of_all(queries)
