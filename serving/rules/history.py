"""A visitor's history by product: what the weights of interactions mean to the rules."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.events import INTERACTION_WEIGHTS
from models.arrays import Codes, Floats
from serving.rules.columns import Columns
from serving.rules.page import Page

BOUGHT = INTERACTION_WEIGHTS["order_completed"]
ADDED = INTERACTION_WEIGHTS["product_added"]


@dataclass(frozen=True, eq=False)
class History:
    """One entry a product: how much it was wanted at most, how often it was touched, when first and last (days)."""

    codes: Codes
    strongest: Floats
    times: NDArray[np.int64]
    first: Floats
    last: Floats

    @property
    def bought(self) -> Codes:
        """What was bought."""
        return self.codes[self.strongest >= BOUGHT]

    @property
    def only_viewed(self) -> Codes:
        """What was looked at and neither added nor bought."""
        return self.codes[self.strongest < ADDED]


def history_of(page: Page, columns: Columns) -> History:
    """The history of a page by product, without products that the columns do not have."""
    found = columns.codes(page.history_ids)
    known = found >= 0
    codes, place, times = np.unique(found[known], return_inverse=True, return_counts=True)
    strongest, first, last = np.zeros(len(codes)), np.full(len(codes), np.inf), np.full(len(codes), -np.inf)
    np.maximum.at(strongest, place, page.weights[known])
    np.minimum.at(first, place, page.days[known])
    np.maximum.at(last, place, page.days[known])
    return History(codes, strongest, times, first, last)
