"""Recently viewed: what the visitor had in hand last. On many sites one next click in four goes there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.top_k import Best, allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class RecentlyViewed:
    """The products of the history, each once, the latest first, whatever was done with them.

    There is nothing to learn: which products there are is all that a fitted one knows.
    """

    name: ClassVar[str] = "recently_viewed"

    def fit(self, interactions: Interactions) -> "FittedRecentlyViewed":
        """Take over the ids."""
        return FittedRecentlyViewed(interactions.item_ids, interactions.until)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedRecentlyViewed":
        """The fitted model whose `arrays()` were saved."""
        return FittedRecentlyViewed(arrays["item_ids"], float(arrays["until"]))


@dataclass(frozen=True)
class FittedRecentlyViewed:
    """A product's score is 1 / (1 + days since its latest interaction), so it tells how long ago that was."""

    item_ids: Ids
    until: float
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=RecentlyViewed.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k latest products among those allowed; none without a history."""
        count = len(self.item_ids)
        answers = [best(self.scores(query), k, allowed(allow, row, count)) for row, query in enumerate(queries)]
        return ranking(answers, k, self.item_ids, self.name)

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf for one that is not in the history."""
        codes, freshness = self._entries(query)
        known = codes >= 0
        scores = np.full(len(self.item_ids), -np.inf)
        np.maximum.at(scores, codes[known], freshness[known])
        return scores

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """Empty rows: nothing here says what is like what."""
        nothing = Best(np.empty(0, np.int64), np.empty(0))
        for row in range(len(item_ids)):
            allowed(allow, row, len(self.item_ids))
        return ranking([nothing] * len(item_ids), k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """The latest entry of a product is its whole score; entries of one moment share it."""
        codes, freshness = self._entries(query)
        same = (codes[:, None] == self.vocabulary.codes(item_ids)) & (codes >= 0)[:, None]
        added = same * freshness[:, None]
        latest = same & (added == added.max(axis=0, initial=0))
        return np.asarray(added * latest / np.maximum(latest.sum(axis=0), 1), np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids and end of the data."""
        return {"item_ids": self.item_ids, "until": np.array(self.until)}

    def extended(self, catalogue: Catalogue) -> "FittedRecentlyViewed":
        """A new product can be looked at like any other."""
        return FittedRecentlyViewed(united(self.item_ids, catalogue.item_ids), self.until)

    def _entries(self, query: Query) -> tuple[Codes, Floats]:
        return self.vocabulary.codes(query.history_ids), 1 / (1 + np.maximum(query.day - query.days, 0))
