"""New: what the shop began to sell last. The one list that a product added this morning heads at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, places, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.impersonal import for_companions, for_everybody
from models.recommenders.popularity import Popularity


@dataclass(frozen=True)
class New:
    """Newest day first; products of one day by their popularity, which halves every `half_life` days.

    A product is new from the day that the catalogue names (`since`) or from its first interaction, whichever is
    earlier: a catalogue imported late must not make old things new. By whole days, as a shop that adds a thousand
    products in one night says nothing by the order in which it wrote them.
    """

    name: ClassVar[str] = "new"
    half_life: float | None = 7.0

    def fit(self, interactions: Interactions) -> "FittedNew":
        """Read the catalogue, and the first interaction of each product."""
        item_ids = interactions.item_ids
        first = np.full(len(item_ids), np.inf)
        np.minimum.at(first, interactions.items, interactions.days)
        since = np.fmin(interactions.catalogue.number("since", item_ids), np.where(np.isinf(first), np.nan, first))
        counts = Popularity(self.half_life).fit(interactions).counts
        return FittedNew(item_ids, interactions.until, since, counts / (1 + counts.max(initial=0)))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedNew":
        """The fitted model whose `arrays()` were saved."""
        return FittedNew(arrays["item_ids"], float(arrays["until"]), arrays["since"], arrays["popularity"])


@dataclass(frozen=True)
class FittedNew:
    """`since` (items,) in days since 1970, NaN where nobody knows; `popularity` (items,) from 0 to below 1.

    The score is the day, and behind the point the popularity; a product of which no day is known is no answer.
    """

    item_ids: Ids
    until: float
    since: Floats
    popularity: Floats
    name: str = field(default=New.name, init=False)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k newest products among those allowed, whoever asks."""
        return for_everybody(self._scores(), len(queries), k, allow, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The newest other products: age knows nothing nearer."""
        return for_companions(self._scores(), item_ids, k, allow, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Zeros: the history has no part in it."""
        return np.zeros((len(query.history_ids), len(item_ids)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, days and popularity."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            "since": self.since,
            "popularity": self.popularity,
        }

    def extended(self, catalogue: Catalogue) -> "FittedNew":
        """With the new products of the catalogue, and any earlier day that it names for a known one."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        known = np.full(len(item_ids), np.nan)
        known[places(self.item_ids, item_ids)] = self.since
        since = np.fmin(known, catalogue.number("since", item_ids))
        return FittedNew(item_ids, self.until, since, spread(self.popularity, self.item_ids, item_ids))

    def _scores(self) -> Floats:
        return np.where(np.isnan(self.since), -np.inf, np.floor(self.since) + self.popularity)
