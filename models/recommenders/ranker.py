"""Ranker: trees over the columns of candidates. What products add to an answer is worked out before anybody asks."""

from dataclasses import dataclass, field

import numpy as np

from models.arrays import Floats
from models.booster import Booster
from models.compiled import compiled
from models.leaf_masks import Masks
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import OwnHistories
from models.recommenders.product_facts import ProductFacts
from models.recommenders.ranker_features import Columns
from models.recommenders.timelines import Places

_MOST = 2**26
"""Bytes that the masks of all products may take: 100 trees over 160,000 products. Of more, those asked for are made."""

_PIECE = 1_024


@dataclass(frozen=True)
class Ranker:
    """`booster` was grown on the rows of `columns`.

    `of_products` (items, trees) is what the trees can still reach by what is known of each product, worked out at once:
    whoever makes a ranker has the time, and who asks first has not. None where that is too much to keep.
    """

    booster: Booster
    columns: Columns
    of_products: Masks | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        masks, known = self.booster.masks, self.columns.products
        found: Masks | None = None
        if masks is not None and known.shape[1] * masks.trees * np.dtype(np.uint32).itemsize <= _MOST:
            # in pieces, between which other threads have their turn
            pieces = [known[:, start : start + _PIECE] for start in range(0, max(known.shape[1], 1), _PIECE)]
            found = np.concatenate([masks.left(np.ascontiguousarray(one), self.columns.of_products) for one in pieces])
        object.__setattr__(self, "of_products", found)

    def over(self, facts: ProductFacts) -> "Ranker":
        """The same trees over other products; what is known of them is looked at anew only where it differs."""
        return self if facts is self.columns.facts else Ranker(self.booster, Columns(facts, self.columns.sources))

    def odds(self, candidates: Candidates, histories: OwnHistories) -> Floats:
        """The log-odds of each candidate, the same to the last digit as those of the whole rows one by one.

        Candidates share columns: of the product, of the customer, of what he did in a category. By masks these are
        looked at once for all who share them, and never become a matrix.
        """
        masks = self.booster.masks
        if masks is None:
            return self.booster.scores(self.columns.matrix(candidates, histories))
        products, *others = self.columns.blocks(candidates, histories)
        if self.of_products is None:
            others.append(products)
            left = masks.nothing(len(candidates.codes))
        else:
            left = self.of_products[candidates.codes]
        for block in others:
            if block.kinds is None:
                left &= masks.left(block.values, block.columns)
            else:
                _narrow(left, masks.left(block.values, block.columns), block.kinds)
        return masks.scores(left)


@compiled
def _narrow(left: Masks, known: Masks, kinds: Places) -> None:
    """Take from each row what is ruled out for its kind."""
    for row in range(len(left)):
        for tree in range(left.shape[1]):
            left[row, tree] &= known[kinds[row], tree]
