"""Which needs go into a prepared cart: the set of greatest expected F-measure, or of greatest expected margin."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.arrays import Floats, Mask
from models.time_to_event.expected_f1 import best_sizes


@dataclass(frozen=True)
class Candidates:
    """What may go into carts, shape (customers, candidates): probabilities fall along each row and are 0 where there is
    no candidate; `prices` are NaN where unknown. `beyond` (customers,) is how many further needs are expected, `away`
    (customers,) how likely the customer does not shop at all while the cart is good."""

    probabilities: Floats
    prices: Floats
    beyond: Floats
    away: Floats


class Selection(Protocol):
    """Which candidates go into the cart."""

    def chosen(self, candidates: Candidates) -> Mask:
        """A mask of shape (customers, candidates)."""
        ...


@dataclass(frozen=True)
class ExpectedF1:
    """The set of greatest expected F-measure, of at most `size` items, each of at least probability `least`. A wrong
    item costs as much as `wrong` missing ones."""

    size: int = 20
    least: float = 0.0
    wrong: int = 1

    def chosen(self, candidates: Candidates) -> Mask:
        """The likeliest ones."""
        probabilities = candidates.probabilities
        sizes = best_sizes(probabilities, candidates.beyond, self.size, self.wrong, candidates.away)
        first = np.arange(probabilities.shape[1]) < sizes[:, None]
        return np.asarray(first & (probabilities > 0) & (probabilities >= self.least), bool)


@dataclass(frozen=True)
class ExpectedMargin:
    """At most `size` items of greatest expected gain: `margin` of the price when it is wanted, and `nuisance`, in the
    shop's currency, lost when it is not. What has no price is worth nothing and stays out."""

    size: int = 20
    margin: float = 0.25
    nuisance: float = 0.2

    def chosen(self, candidates: Candidates) -> Mask:
        """Those that gain more than they cost."""
        probabilities, prices = candidates.probabilities, np.nan_to_num(candidates.prices)
        gain = probabilities * self.margin * prices - (1 - probabilities) * self.nuisance
        rank = np.argsort(np.argsort(-gain, axis=1, kind="stable"), axis=1, kind="stable")
        return np.asarray((gain > 0) & (probabilities > 0) & (rank < self.size), bool)
