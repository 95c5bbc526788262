"""Linear: what an item-item model is once fitted. Products of the history, each by its weight, add up their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, united
from models.catalogue import Catalogue
from models.recommenders.base import Query, Ranking
from models.recommenders.history import Forgetting, History
from models.recommenders.sparse_rows import SparseRows
from models.recommenders.top_k import allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary

_NEAREST = "nearest_"


@dataclass(frozen=True)
class FittedLinear:
    """Row r of `rows` holds what product r says of others; it says nothing of itself.

    At the query an interaction counts by `forgetting`, and what a product has gathered counts to the `power`. Only
    products with a score above zero are answers: those the history speaks for. `nearest` are rows for `similar`, where
    what is like a product is not what is wanted after it; None where that is the same.
    """

    name: str
    item_ids: Ids
    until: float
    rows: SparseRows
    forgetting: Forgetting
    power: float
    nearest: SparseRows | None = None
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    @classmethod
    def restored(
        cls, name: str, arrays: dict[str, NDArray[Any]], forgetting: Forgetting, power: float
    ) -> "FittedLinear":
        """The fitted model whose `arrays()` were saved."""
        rows = SparseRows.restored(arrays)
        nearest = SparseRows.restored(arrays, _NEAREST) if f"{_NEAREST}indptr" in arrays else None
        return cls(name, arrays["item_ids"], float(arrays["until"]), rows, forgetting, power, nearest)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products that the history speaks for most; none where it says nothing."""
        answers = []
        for row, query in enumerate(queries):
            history = self._history(query)
            scores = self.rows.combine(history.products, history.totals**self.power, len(self.item_ids))
            answers.append(best(reached(scores), k, allowed(allow, row, len(scores))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products with the largest weights in each one's row."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            start = np.array([code] if code >= 0 else [], np.int64)
            scores = (self.nearest or self.rows).combine(start, np.ones(len(start)), len(self.item_ids))
            answers.append(best(reached(scores), k, allowed(allow, row, len(scores))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each entry of the history adds to each item's score, exactly; entries of one product share its part."""
        history = self._history(query)
        added = self.rows.lookup(history.products, self.vocabulary.codes(item_ids))
        return history.shared_out(added * (history.totals**self.power)[:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and the weights in CSR."""
        found: dict[str, NDArray[Any]] = {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            **self.rows.arrays(),
        }
        if self.nearest is not None:
            found |= self.nearest.arrays(_NEAREST)
        return found

    def extended(self, catalogue: Catalogue) -> "FittedLinear":
        """A new product has no neighbours yet."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        rows = self.rows.spread(self.item_ids, item_ids)
        nearest = None if self.nearest is None else self.nearest.spread(self.item_ids, item_ids)
        return FittedLinear(self.name, item_ids, self.until, rows, self.forgetting, self.power, nearest)

    def _history(self, query: Query) -> History:
        return History.of(query, self.vocabulary.codes(query.history_ids), self.forgetting)
