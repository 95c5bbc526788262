"""Ranker: trees over the columns of candidates. What products add to an answer is worked out before anybody asks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.arrays import Floats
from models.booster import Booster
from models.leaf_masks import Masks
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import OwnHistories
from models.recommenders.product_facts import ProductFacts
from models.recommenders.ranker_features import Columns

_MOST = 2**26
"""Bytes that the masks of all products may take: 100 trees over 160,000 products. Of more, those asked for are made."""

_ROWS = 512


@dataclass(frozen=True)
class Ranker:
    """`booster` was grown on the rows of `columns`."""

    booster: Booster
    columns: Columns

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
        shared, own = [], []
        for block in others:
            if block.kinds is None:
                own.append(block)
            else:
                shared.append((masks.left(block.values, block.columns), block.kinds))
        if self._of_products is not None and products.kinds is not None:
            shared.append((self._of_products, products.kinds))
        else:
            own.append(products)
        found = np.empty(len(candidates.codes))
        for start in range(0, len(found), _ROWS):
            rows = slice(start, start + _ROWS)
            left = masks.nothing(len(found[rows]))
            for block in own:
                values = block.values[:, rows] if block.kinds is None else block.values.take(block.kinds[rows], axis=1)
                left &= masks.left(values, block.columns)
            one = np.empty_like(left)
            for known, kinds in shared:
                np.take(known, kinds[rows], axis=0, out=one, mode="clip")
                left &= one
            found[rows] = masks.scores(left)
        return found

    @cached_property
    def _of_products(self) -> Masks | None:
        """What the trees can still reach by what is known of each product, (items, trees)."""
        masks, columns = self.booster.masks, self.columns
        if masks is None or columns.products.shape[1] * masks.trees * np.dtype(np.uint32).itemsize > _MOST:
            return None
        return masks.left(columns.products, columns.of_products)
