"""Suite: all the recommenders that a shop's placements draw from, fitted together and published as one version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.catalogue import Catalogue
from models.recommenders import combinator
from models.recommenders.base import FittedRecommender, Interactions, Query, Ranking, Recommender
from models.recommenders.bought_together import BoughtTogether
from models.recommenders.buy_again import BuyAgain
from models.recommenders.category_popularity import CategoryPopularity
from models.recommenders.content import Content
from models.recommenders.fallback import Fallback
from models.recommenders.item_item import ItemItem
from models.recommenders.new import New
from models.recommenders.popularity import Popularity
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.trending import Trending


@dataclass(frozen=True)
class Suite(combinator.Combined):
    """Recipes with different names. The first one answers for the suite, is judged for it, and serves the home page."""

    name: ClassVar[str] = "suite"
    sources: tuple[Recommender, ...] = (
        Fallback(),
        RP3Beta(),
        BuyAgain(),
        BoughtTogether(),
        ItemItem(),
        Content(),
        CategoryPopularity(),
        RecentlyViewed(),
        Trending(),
        New(),
        Popularity(),
    )

    def __post_init__(self) -> None:
        names = [source.name for source in self.sources]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a suite needs recipes of different names, found {', '.join(names) or 'none'}")

    def fit_over(self, sources: combinator.Fitted, interactions: Interactions) -> "FittedSuite":  # noqa: ARG002
        """There is nothing to learn beside the sources."""
        return FittedSuite(self, sources)

    def restore_over(self, sources: combinator.Fitted, arrays: dict[str, NDArray[Any]]) -> "FittedSuite":  # noqa: ARG002
        """Over restored sources."""
        return FittedSuite(self, sources)


@dataclass(frozen=True)
class FittedSuite(combinator.FittedCombined):
    """Answers as its first member does; `member` gives the others."""

    recipe: Suite
    sources: combinator.Fitted

    @property
    def name(self) -> str:
        """That of the first member."""
        return self.sources[0].name

    def member(self, name: str) -> FittedRecommender:
        """One of the recommenders. Raises KeyError that names those there are."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(f"no recommender {name!r} in this version; it has {', '.join(self.members)}")

    @property
    def members(self) -> tuple[str, ...]:
        """The names that `member` knows."""
        return tuple(source.name for source in self.sources)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """As the first member."""
        return self.sources[0].recommend(queries, k, allow)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """As the first member."""
        return self.sources[0].similar(item_ids, k, allow)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """As the first member."""
        return self.sources[0].contributions(query, item_ids)

    def over(self, sources: combinator.Fitted, catalogue: Catalogue) -> "FittedSuite":  # noqa: ARG002
        """The same members over other products."""
        return FittedSuite(self.recipe, sources)
