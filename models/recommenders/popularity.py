"""Popularity: what most people want lately. Everybody's fallback, and the baseline that a model has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.impersonal import for_companions, for_everybody
from models.recommenders.interaction_matrix import decay
from models.recommenders.top_k import reached


@dataclass(frozen=True)
class Popularity:
    """Interactions counted with a weight that halves every `half_life` days, and not beyond `window` days.

    Either may be None: without half-life all days of the window count alike. Ages are counted from the newest
    interaction, so a shop whose import ended long ago gets the same answer as on that day.
    """

    name: ClassVar[str] = "popularity"
    half_life: float | None = 7.0
    window: float | None = None

    def fit(self, interactions: Interactions) -> "FittedPopularity":
        """Add up the weights of each product."""
        weights = interactions.weights * decay(interactions.days, self.half_life)
        if self.window is not None and len(interactions.days):
            weights = np.where(interactions.days > interactions.days.max() - self.window, weights, 0)
        # Sorted, as the order of a sum of floats shows in its last digit.
        order = np.lexsort((weights, interactions.items))
        counts = np.bincount(interactions.items[order], weights[order], len(interactions.item_ids))
        return FittedPopularity(interactions.item_ids, interactions.until, counts.astype(np.float64))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedPopularity":
        """The fitted model whose `arrays()` were saved."""
        return FittedPopularity(arrays["item_ids"], float(arrays["until"]), arrays["counts"])


@dataclass(frozen=True)
class FittedPopularity:
    """One score a product, the same for everybody. What nobody wanted is not recommended."""

    item_ids: Ids
    until: float
    counts: Floats
    wanted: Floats = field(init=False, repr=False, compare=False)
    name: str = field(default=Popularity.name, init=False)

    def __post_init__(self) -> None:
        wanted = reached(self.counts.copy())
        wanted.flags.writeable = False
        object.__setattr__(self, "wanted", wanted)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k most popular products among those allowed, whoever asks."""
        return for_everybody(self.wanted, len(queries), k, allow, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The most popular other products: popularity knows nothing nearer."""
        return for_companions(self.wanted, item_ids, k, allow, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Zeros: the history has no part in it."""
        return np.zeros((len(query.history_ids), len(item_ids)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and counts."""
        return {"item_ids": self.item_ids, "until": np.array(self.until), "counts": self.counts}

    def extended(self, catalogue: Catalogue) -> "FittedPopularity":
        """New products have been wanted by nobody yet."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        return FittedPopularity(item_ids, self.until, spread(self.counts, self.item_ids, item_ids))

    def scores(self, query: Query) -> Floats:  # noqa: ARG002
        """Of every product (items,), -inf for one that nobody wanted."""
        return self.wanted
