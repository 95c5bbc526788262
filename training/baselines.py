"""What a recommender must beat to be worth its name: popular lately, and what this customer buys most.

They answer behind the same Protocol as the models, so they are judged by the same code on the same customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.recommenders.arrays import Floats, Ids, Mask
from models.recommenders.base import Interactions, Query, Ranking, Recommender
from models.recommenders.catalogue import Catalogue
from models.recommenders.popularity import FittedPopularity, Popularity
from models.recommenders.top_k import allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class PersonalFrequency:
    """What the customer bought most often; ties, and what he never bought, by popularity in the last `window` days."""

    name: ClassVar[str] = "personal frequency"
    window: float = 30.0

    def fit(self, interactions: Interactions) -> "FittedPersonalFrequency":
        """Only the popularity that breaks ties is fitted."""
        return FittedPersonalFrequency(Popularity(half_life=None, window=self.window).fit(interactions))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedPersonalFrequency":
        """The fitted model whose `arrays()` were saved."""
        return FittedPersonalFrequency(Popularity(half_life=None, window=self.window).restore(arrays))


@dataclass(frozen=True)
class FittedPersonalFrequency:
    """Counts come from the query, ties from `popularity`."""

    popularity: FittedPopularity
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=PersonalFrequency.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    @property
    def item_ids(self) -> Ids:
        """All products."""
        return self.popularity.item_ids

    @property
    def until(self) -> float:
        """The end of the data."""
        return self.popularity.until

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products of which the history holds most, then the popular ones."""
        counts = self.popularity.counts
        # Popularity as a fraction below any weight of an interaction decides ties and nothing else.
        ties = 1e-6 * counts / max(counts.max(initial=0), 1)
        answers = []
        for row, query in enumerate(queries):
            codes = self.vocabulary.codes(query.history_ids)
            known = codes >= 0
            own = np.bincount(codes[known], query.weights[known], len(counts))
            scores = np.where(own + ties > 0, own + ties, -np.inf)
            answers.append(best(scores, k, allowed(allow, row, len(counts))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The popular ones: frequency knows nothing nearer."""
        return self.popularity.similar(item_ids, k, allow)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """An entry adds its weight to its own product."""
        same = query.history_ids[:, None] == np.asarray(item_ids, object)[None, :]
        return np.asarray(same * query.weights[:, None], np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of the popularity."""
        return self.popularity.arrays()

    def extended(self, catalogue: Catalogue) -> "FittedPersonalFrequency":
        """New products are as popular as nothing."""
        return FittedPersonalFrequency(self.popularity.extended(catalogue))


BASELINES: dict[str, Recommender] = {
    "popular 7 d": Popularity(half_life=None, window=7.0),
    "popular 30 d": Popularity(half_life=None, window=30.0),
    "personal frequency": PersonalFrequency(),
}
