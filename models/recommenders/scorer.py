"""Scorer: a recommender that can say what it thinks of every product, not only of its best ones."""

from typing import Protocol, runtime_checkable

from models.arrays import Floats
from models.recommenders.base import FittedRecommender, Query


@runtime_checkable
class Scorer(FittedRecommender, Protocol):
    """What a ranker asks of its sources: a candidate of one is seen with the scores of all, whatever is allowed."""

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), higher is better, -inf where it says nothing."""
        ...
