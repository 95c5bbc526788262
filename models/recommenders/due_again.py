"""Due again: what the customer bought, as `buy_again` ranks it, weighed by the hazard of the live replenishment model.

So a block of what to buy again and a prepared cart do not contradict each other. It is put together when both models
are live, and neither trained nor published on its own. The hazard alone ranks single products worse than their
frequency does: it speaks of groups, and whoever comes within a week buys by habit more than by the calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, codes_of
from models.catalogue import Catalogue
from models.recommenders.base import Query, Ranking
from models.recommenders.buy_again import FittedBuyAgain
from models.recommenders.top_k import allowed, best, ranking
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment


@dataclass(frozen=True)
class FittedDueAgain:
    """The score of `buyer` times (P + `doubt`) to the `trust`, where P is the probability that the product's group is
    bought within so many days. Of a group of which nothing is claimed, P counts as 0.

    A purchase is a history entry of weight `bought` or more.
    """

    model: FittedReplenishment
    buyer: FittedBuyAgain
    within: int = 7
    doubt: float = 0.1
    trust: float = 0.25
    name: ClassVar[str] = "due_again"

    @property
    def item_ids(self) -> Ids:
        """Those of `buyer`."""
        return self.buyer.item_ids

    @property
    def until(self) -> float:
        """The end of what either learned from, whichever is later."""
        return max(self.buyer.until, self.model.day + 1.0)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products most likely taken again among those allowed; none for who bought nothing."""
        count = len(self.item_ids)
        answers = [best(self._scores(query), k, allowed(allow, row, count)) for row, query in enumerate(queries)]
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """Empty rows: needing a product again says nothing of other products."""
        found = self.buyer.similar(item_ids, k, allow)
        return Ranking(found.ids, found.scores, np.full(found.sources.shape, None, object))

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Those of `buyer`: a product's purchases share its score in the same parts, whatever it is weighed by."""
        return self.buyer.contributions(query, item_ids)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of its parts, by `part/name`."""
        parts: dict[str, FittedBuyAgain | FittedReplenishment] = {"buyer": self.buyer, "model": self.model}
        return {f"{part}/{name}": array for part, of in parts.items() for name, array in of.arrays().items()}

    def extended(self, catalogue: Catalogue) -> "FittedDueAgain":
        """Also over the products of `catalogue`."""
        return replace(self, buyer=self.buyer.extended(catalogue))

    def _scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf for one that was never bought."""
        scores = self.buyer.scores(query)
        codes = np.flatnonzero(np.isfinite(scores))
        scores[codes] *= self._weights(query, self.item_ids[codes])
        return scores

    def _weights(self, query: Query, item_ids: Ids) -> Floats:
        """What each product's score is multiplied by."""
        day = int(np.floor(query.day))
        rows = np.flatnonzero(query.weights >= self.buyer.recipe.bought)
        product_ids, products = np.unique(query.history_ids[rows], return_inverse=True)
        lines = Lines.of(
            np.zeros(len(rows), np.int32),
            products.astype(np.int32),
            np.minimum(np.floor(query.days[rows]), day).astype(np.int32),
            np.ones(len(rows)),
            np.full(len(rows), np.nan),
            product_ids,
            1,
            day,
        )
        forecasts = self.model.forecast(lines, day)
        groups = self.model.groups
        codes = codes_of(item_ids, groups.product_ids)
        units = np.where(codes >= 0, groups.units[codes], -1)
        places = np.full(len(groups.unit_ids) + 1, -1)
        places[codes_of(forecasts.unit_ids, groups.unit_ids)] = np.arange(len(forecasts))
        due = np.append(np.where(forecasts.known, forecasts.due_within(self.within), 0.0), 0.0)
        return np.asarray((due[places[units]] + self.doubt) ** self.trust, np.float64)
