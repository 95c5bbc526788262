"""Trending: what sells better lately than usual, as far as the numbers prove it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.impersonal import for_companions, for_everybody
from models.recommenders.top_k import reached


@dataclass(frozen=True)
class Trending:
    """Interest of the last `lately` days against that of the `usually` days before, each as a share of the shop's.

    Shares, so that a busy week is no trend of everything. A customer counts once a day for a product, by the strongest
    thing he did with it. Under a Poisson law, how many of n interactions fall into the late window is binomial; with
    `doubt` interactions at no trend as a prior, the chance is Beta, and the score is the lift at its `risk` quantile:
    the lift that is exceeded with probability 1 - `risk`. A single sale thus proves nothing, however rare the product.
    """

    name: ClassVar[str] = "trending"
    lately: float = 7.0
    usually: float = 56.0
    doubt: float = 10.0
    risk: float = 0.05

    def __post_init__(self) -> None:
        if min(self.lately, self.usually, self.doubt) <= 0 or not 0 < self.risk < 1:
            raise ValueError(f"{self}: windows in days and doubt are above 0, risk lies between 0 and 1, e.g. 0.05")

    def fit(self, interactions: Interactions) -> "FittedTrending":
        """Count both windows, which end with the newest interaction."""
        count = len(interactions.item_ids)
        newest = interactions.days.max(initial=-np.inf)
        items, days, weights = _daily(interactions)
        late = days > newest - self.lately
        before = ~late & (days > newest - self.lately - self.usually)
        lately = np.bincount(items[late], weights[late], count).astype(np.float64)
        usually = np.bincount(items[before], weights[before], count).astype(np.float64)
        lift = np.zeros(count) if not lately.any() else self._lift(lately, usually)
        return FittedTrending(interactions.item_ids, interactions.until, np.where(lately > 0, lift, 0))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedTrending":
        """The fitted model whose `arrays()` were saved."""
        return FittedTrending(arrays["item_ids"], float(arrays["until"]), arrays["lift"])

    def _lift(self, lately: Floats, usually: Floats) -> Floats:
        # In a shop without a past, the windows' lengths are all that tells what to expect.
        total = lately.sum() + usually.sum()
        expected = lately.sum() / total if usually.any() else self.lately / (self.lately + self.usually)
        chance = betaincinv(lately + self.doubt * expected, usually + self.doubt * (1 - expected), self.risk)
        return np.asarray(chance / (1 - chance) * (1 - expected) / expected, np.float64)


@dataclass(frozen=True)
class FittedTrending:
    """`lift` (items,): how many times its usual share a product has now, at least; 0 for what nobody wanted lately."""

    item_ids: Ids
    until: float
    lift: Floats
    risen: Floats = field(init=False, repr=False, compare=False)
    name: str = field(default=Trending.name, init=False)

    def __post_init__(self) -> None:
        risen = reached(self.lift.copy())
        risen.flags.writeable = False
        object.__setattr__(self, "risen", risen)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products of the largest proven lift among those allowed, whoever asks."""
        return for_everybody(self.risen, len(queries), k, allow, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The other trending products: a trend knows nothing nearer."""
        return for_companions(self.risen, item_ids, k, allow, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Zeros: the history has no part in it."""
        return np.zeros((len(query.history_ids), len(item_ids)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and lifts."""
        return {"item_ids": self.item_ids, "until": np.array(self.until), "lift": self.lift}

    def extended(self, catalogue: Catalogue) -> "FittedTrending":
        """Nobody has wanted a new product yet."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        return FittedTrending(item_ids, self.until, spread(self.lift, self.item_ids, item_ids))


def _daily(interactions: Interactions) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Item, moment, weight of the strongest interaction of each customer, product and UTC day, the last of equals."""
    days = np.floor(interactions.days)
    order = np.lexsort((interactions.days, interactions.weights, days, interactions.items, interactions.customers))
    cells = np.stack([interactions.customers[order], interactions.items[order], days[order]])
    last = np.append((cells[:, 1:] != cells[:, :-1]).any(axis=0), True)[: len(order)]
    kept = order[last]
    # In an order that customers have no part in, as it would show in the last digit of a sum.
    kept = kept[np.lexsort((interactions.weights[kept], interactions.days[kept], interactions.items[kept]))]
    return interactions.items[kept], interactions.days[kept], interactions.weights[kept]
