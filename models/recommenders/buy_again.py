"""Buy again: what the customer bought, by how often, how lately and how due it is. Most of a grocer's baskets are this.

The rate at which a customer takes a product is a Gamma-Poisson estimate, as in Fader, Hardie and Lee, "Counting your
customers the easy way" (Marketing Science, 2005): purchases on top of a prior, which is larger for products whose
buyers come back. Purchases fade as in Hu, He, Gao and Zhang, "Modeling personalized item frequency information for
next-basket recommendation" (SIGIR 2020), by a power of their age.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, codes_of, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.history import Forgetting, History
from models.recommenders.item_statistics import loyalty, trend
from models.recommenders.repeat_intervals import repeat_intervals, trips_a_day
from models.recommenders.timelines import moment
from models.recommenders.top_k import Best, allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary

_NOTHING = Best(np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class BuyAgain:
    """Products of which the history holds a purchase: an entry of weight `bought` or more.

    A purchase counts (1 + age / `fade_days`) to minus `fade`. Age runs faster for who comes more often than the average
    customer, by the ratio to the `pace`: 0 counts days, 1 counts the customer's own trips. To the sum comes `prior`
    times the loyalty of the product's buyers to the `loyalty`; the whole is multiplied by the product's trend to the
    `trend`, and by 1 - `rest` right after a purchase, which is over when a good part of the usual interval has passed:
    exp(-`waking` * elapsed / interval). The interval is the customer's own for this product, shrunk as if he had shown
    `doubt` intervals of the product's usual length before.
    """

    name: ClassVar[str] = "buy_again"
    bought: float = 1.0
    fade_days: float = 60.0
    fade: float = 1.0
    pace: float = 0.5
    prior: float = 0.6
    loyalty: float = 1.0
    trend: float = 0.25
    rest: float = 0.2
    waking: float = 10.0
    doubt: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.rest < 1:
            raise ValueError(f"rest={self.rest}; use 0 to below 1, as 1 would hide what was just bought: mask it")
        if self.doubt <= 0:
            raise ValueError(f"doubt={self.doubt}; use a positive number of intervals, e.g. 2")

    def fit(self, interactions: Interactions) -> "FittedBuyAgain":
        """Measure each product's loyalty, trend and usual interval, and how often customers come."""
        purchases = _only(interactions, interactions.weights >= self.bought)
        categories = interactions.catalogue.text("category", interactions.item_ids)
        return FittedBuyAgain(
            recipe=self,
            item_ids=interactions.item_ids,
            until=interactions.until,
            loyalty=loyalty(purchases) ** self.loyalty,
            trend=trend(purchases) ** self.trend,
            intervals=repeat_intervals(purchases, categories),
            trips_a_day=trips_a_day(purchases),
        )

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedBuyAgain":
        """The fitted model whose `arrays()` were saved."""
        return FittedBuyAgain(
            recipe=self,
            item_ids=arrays["item_ids"],
            until=float(arrays["until"]),
            loyalty=arrays["loyalty"],
            trend=arrays["trend"],
            intervals=arrays["intervals"],
            trips_a_day=float(arrays["trips_a_day"]),
        )


@dataclass(frozen=True)
class FittedBuyAgain:
    """Of each product (items,): the pull of its buyers' `loyalty` and of its `trend`, already to their powers, and the
    mean logarithm of its repeat `intervals` in days. `trips_a_day` is how often the average customer comes."""

    recipe: BuyAgain
    item_ids: Ids
    until: float
    loyalty: Floats
    trend: Floats
    intervals: Floats
    trips_a_day: float
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=BuyAgain.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products most likely taken again among those allowed; none for who bought nothing."""
        count = len(self.item_ids)
        answers = [best(self.scores(query), k, allowed(allow, row, count)) for row, query in enumerate(queries)]
        return ranking(answers, k, self.item_ids, self.name)

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf for one that was never bought."""
        history, rates = self._rates(query)
        scores = np.full(len(self.item_ids), -np.inf)
        scores[history.products] = rates
        return scores

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """Empty rows: buying again says nothing of other products."""
        for row in range(len(item_ids)):
            allowed(allow, row, len(self.item_ids))
        return ranking([_NOTHING] * len(item_ids), k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """A product's score shared out among its own purchases, by what each still counts."""
        history, rates = self._rates(query)
        same = history.products[:, None] == self.vocabulary.codes(item_ids)
        return history.shared_out(same * rates[:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and what was measured of products and customers."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            "loyalty": self.loyalty,
            "trend": self.trend,
            "intervals": self.intervals,
            "trips_a_day": np.array(self.trips_a_day),
        }

    def extended(self, catalogue: Catalogue) -> "FittedBuyAgain":
        """A new product can be bought again like any other: it is taken for an average one."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        known = codes_of(item_ids, self.item_ids)
        usual = float(self.intervals.mean()) if len(self.intervals) else 0.0
        return replace(
            self,
            item_ids=item_ids,
            loyalty=_over(self.loyalty, known, 1.0),
            trend=_over(self.trend, known, 1.0),
            intervals=_over(self.intervals, known, usual),
        )

    def _rates(self, query: Query) -> tuple[History, Floats]:
        """The purchases of the history, and the score of each product among them."""
        codes = self.vocabulary.codes(query.history_ids)
        codes = np.where(query.weights < self.recipe.bought, np.int32(-1), codes)
        days = query.days[codes >= 0]
        now = moment(query, days)
        history = History.of(query, codes, Forgetting(self.recipe.fade_days / self._speed(days, now), self.recipe.fade))
        products = history.products
        rates = (history.totals + self.recipe.prior * self.loyalty[products]) * self.trend[products]
        return history, rates * self._due(history, query.days[history.entries], now)

    def _speed(self, days: Floats, now: float) -> float:
        """How much faster than the average customer's the time of this one runs; one average trip is added to his."""
        trips = len(np.unique(np.floor(days)))
        passed = max(now - days.min(initial=now), 0.0)
        rate = (trips + 1) / (passed + 1 / self.trips_a_day)
        return float((rate / self.trips_a_day) ** self.recipe.pace)

    def _due(self, history: History, days: Floats, now: float) -> Floats:
        """1 - `rest` for what was bought this moment, rising to 1 as the usual interval passes; (products,)."""
        order = np.lexsort((days, history.owners))
        owners, days = history.owners[order], days[order]
        gaps = np.diff(np.floor(days))
        kept = (np.diff(owners) == 0) & (gaps > 0)
        shown = np.bincount(owners[1:][kept], np.log(gaps[kept]), len(history.products))
        counts = np.bincount(owners[1:][kept], minlength=len(history.products))
        doubt = self.recipe.doubt
        interval = np.exp((shown + doubt * self.intervals[history.products]) / (counts + doubt))
        latest = np.full(len(history.products), -np.inf)
        np.maximum.at(latest, owners, days)
        elapsed = np.maximum(now - latest, 0)
        return np.asarray(1 - self.recipe.rest * np.exp(-self.recipe.waking * elapsed / interval), np.float64)


def _over(values: Floats, known: Codes, average: float) -> Floats:
    wide = np.full(len(known), average)
    wide[known >= 0] = values[known[known >= 0]]
    return wide


def _only(interactions: Interactions, kept: Mask) -> Interactions:
    return replace(
        interactions,
        customers=interactions.customers[kept],
        items=interactions.items[kept],
        days=interactions.days[kept],
        weights=interactions.weights[kept],
        orders=None if interactions.orders is None else interactions.orders[kept],
    )
