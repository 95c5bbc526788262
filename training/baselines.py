"""What a recommender must beat to be worth its name: popular lately, and what this customer had before.

They answer behind the same Protocol as the models, so they are judged by the same code on the same customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking, Recommender
from models.recommenders.popularity import FittedPopularity, Popularity
from models.recommenders.top_k import allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class PersonalFrequency:
    """What the customer bought most often; ties, and what he never bought, by popularity in the last `window` days."""

    name: ClassVar[str] = "personal frequency"
    window: float = 30.0

    def own(self, query: Query, codes: Codes, count: int) -> Floats:
        """What the history alone says of each of `count` products, 0 for one that is not in it; `codes` are its own,
        -1 for a product that the model does not know."""
        return _sums(codes, query.weights, count)

    def fit(self, interactions: Interactions) -> "FittedPersonal":
        """Only the popularity that breaks ties is fitted."""
        return FittedPersonal(self, Popularity(half_life=None, window=self.window).fit(interactions))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedPersonal":
        """The fitted model whose `arrays()` were saved."""
        return FittedPersonal(self, Popularity(half_life=None, window=self.window).restore(arrays))


@dataclass(frozen=True)
class BuyAgain(PersonalFrequency):
    """Frequency times recency: an entry of the history counts half after every `half_life` days."""

    name: ClassVar[str] = "buy again"
    half_life: float = 90.0

    def own(self, query: Query, codes: Codes, count: int) -> Floats:
        """Weights halved with age, added up."""
        ages = np.maximum(query.day - query.days, 0)
        return _sums(codes, query.weights * np.exp2(-ages / self.half_life), count)


@dataclass(frozen=True)
class RecentlyBought(PersonalFrequency):
    """What the customer had last, newest first; among things of one moment what he had most often."""

    name: ClassVar[str] = "recently bought"

    def own(self, query: Query, codes: Codes, count: int) -> Floats:
        """The rank of the newest moment of each product, and its frequency as a fraction below 1."""
        _, moments = np.unique(query.days, return_inverse=True)
        newest = np.zeros(count)
        np.maximum.at(newest, codes[codes >= 0], 1.0 + moments[codes >= 0])
        often = super().own(query, codes, count)
        return newest + often / (1 + often)


@dataclass(frozen=True)
class FittedPersonal:
    """The history comes from the query, ties from `popularity`."""

    recipe: PersonalFrequency
    popularity: FittedPopularity
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    @property
    def name(self) -> str:
        """That of the recipe."""
        return self.recipe.name

    @property
    def item_ids(self) -> Ids:
        """All products."""
        return self.popularity.item_ids

    @property
    def until(self) -> float:
        """The end of the data."""
        return self.popularity.until

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products that the history speaks for most, then the popular ones."""
        counts = self.popularity.counts
        # Popularity as a fraction below any weight of an interaction decides ties and nothing else.
        ties = 1e-6 * counts / max(counts.max(initial=0), 1)
        answers = []
        for row, query in enumerate(queries):
            own = self.recipe.own(query, self.vocabulary.codes(query.history_ids), len(counts))
            scores = np.where(own + ties > 0, own + ties, -np.inf)
            answers.append(best(scores, k, allowed(allow, row, len(counts))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The popular ones: a customer's own history knows nothing nearer."""
        return self.popularity.similar(item_ids, k, allow)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """An entry adds its weight to its own product: exact for frequency, without recency for the others."""
        same = query.history_ids[:, None] == np.asarray(item_ids, object)[None, :]
        return np.asarray(same * query.weights[:, None], np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of the popularity."""
        return self.popularity.arrays()

    def extended(self, catalogue: Catalogue) -> "FittedPersonal":
        """New products are as popular as nothing."""
        return FittedPersonal(self.recipe, self.popularity.extended(catalogue))


def _sums(codes: Codes, weights: Floats, count: int) -> Floats:
    known = codes >= 0
    return np.bincount(codes[known], weights[known], count).astype(np.float64)


BASELINES: dict[str, Recommender] = {
    "popular 7 d": Popularity(half_life=None, window=7.0),
    "popular 30 d": Popularity(half_life=None, window=30.0),
    "recently bought": RecentlyBought(),
    "personal frequency": PersonalFrequency(),
    "buy again": BuyAgain(),
}
