"""BoughtTogether: what goes into one basket with what is in the cart, more than chance would put there.

The log-likelihood ratio is that of Dunning, "Accurate methods for the statistics of surprise and coincidence"
(Computational Linguistics, 1993): unlike lift it does not take two baskets for a habit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.special import xlogy

from models.arrays import Codes, Floats, Ids, Mask, places, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.baskets import Baskets
from models.recommenders.cart import Lines
from models.recommenders.sparse_rows import SparseRows, strongest
from models.recommenders.top_k import Best, allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary

_ROWS = 1_000
_LATEST = 100


@dataclass(frozen=True)
class BoughtTogether:
    """Association of products over baskets.

    Fitting: a basket of n products counts (n - 1) to minus `crowding`, as a large one says little about each of its
    pairs, and half as much every `half_life` days. The latest hundred products of a customer are a basket too, which
    counts `lifetime` times as much: where orders are small, it is most of what there is to learn from. A pair gets the
    log-likelihood ratio of having met more often than by chance, over the count of the first product plus `shrinkage`,
    to the `caution`: 0 ranks by evidence, 1 by strength. The `neighbours` strongest of each product stay.

    Asking: the lines of the cart or page (`context_ids`) each add what was bought with them; without any, what the
    customer did in the `session` days up to his latest interaction takes their place, each product by the weight of its
    strongest interaction. Neither those products nor their variants (the same `group_id`) are answers.
    """

    name: ClassVar[str] = "bought_together"
    half_life: float | None = None
    crowding: float = 0.4
    lifetime: float = 1.0
    shrinkage: float = 5.0
    caution: float = 0.6
    neighbours: int = 100
    session: float = 0.25

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"neighbours={self.neighbours}; a product needs at least one, 100 lose nothing")

    def fit(self, interactions: Interactions) -> "FittedBoughtTogether":
        """Count the pairs of every basket. Memory: a few hundred products are wide at a time."""
        met, weights = self._met(interactions)
        across, total = met.T.tocsr(), weights.sum() + self.shrinkage
        counts = np.bincount(met.indices, met.data**2, met.shape[1]).astype(np.float64)
        blocks = []
        for start in range(0, met.shape[1], _ROWS):
            surprises = _surprises(across[start : start + _ROWS] @ met, counts[start : start + _ROWS], counts, total)
            own = counts[start : start + _ROWS].repeat(np.diff(surprises.indptr))
            surprises.data /= (own + self.shrinkage) ** self.caution
            blocks.append(strongest(surprises, self.neighbours, first=start))
        groups = interactions.catalogue.text("group_id", interactions.item_ids)
        return FittedBoughtTogether(
            self, interactions.item_ids, interactions.until, SparseRows.stack(blocks), _named(groups)
        )

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedBoughtTogether":
        """The fitted model whose `arrays()` were saved."""
        rows = SparseRows.restored(arrays)
        return FittedBoughtTogether(self, arrays["item_ids"], float(arrays["until"]), rows, arrays["groups"])

    def _met(self, interactions: Interactions) -> "tuple[csr_array[np.float64], Floats]":
        """Baskets by products, with the root of what each counts, and what each counts."""
        parts, weights = [], []
        for found, factor in (
            (Baskets.of_orders(interactions), 1.0),
            (Baskets.of_customers(interactions, _LATEST), self.lifetime),
        ):
            counts = factor * found.weights(self.half_life, self.crowding)
            rows = found.lines.copy()
            rows.data = np.sqrt(counts).repeat(np.diff(rows.indptr))
            parts.append(rows)
            weights.append(counts)
        return vstack(parts, format="csr"), np.concatenate(weights)


@dataclass(frozen=True)
class FittedBoughtTogether:
    """Row r of `rows` holds what is bought with product r; `groups` (items,) the group that it is a variant of."""

    recipe: BoughtTogether
    item_ids: Ids
    until: float
    rows: SparseRows
    groups: Ids
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    group_codes: Codes = field(init=False, repr=False, compare=False)
    name: str = field(default=BoughtTogether.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))
        object.__setattr__(self, "group_codes", _codes(self.groups))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products bought most with the cart; none where nobody bought anything with it."""
        answers = []
        for row, query in enumerate(queries):
            lines = self._lines(query)
            answers.append(self._best(lines.products, lines.weights, k, allow, row))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products bought most with each one; its variants are left out as it is itself."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            start = np.array([code] if code >= 0 else [], np.int64)
            answers.append(self._best(start, np.ones(len(start)), k, allow, row))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each line adds to each item's score, given to the newest entries of the history with its product.

        What the serving side sees on the page stands in the history as of now, so that its part is told in full; a
        line that is in no entry has none.
        """
        lines = self._lines(query)
        added = self.rows.lookup(lines.products, self.vocabulary.codes(item_ids)) * lines.weights[:, None]
        return lines.shared_out(added)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, the association in CSR, and groups."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            **self.rows.arrays(),
            "groups": self.groups,
        }

    def extended(self, catalogue: Catalogue) -> "FittedBoughtTogether":
        """A new product was bought with nothing yet, but may be a variant of one in the cart."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        groups = np.full(len(item_ids), "", object)
        groups[places(self.item_ids, item_ids)] = self.groups
        groups[np.searchsorted(item_ids, catalogue.item_ids)] = _named(catalogue.text("group_id", catalogue.item_ids))
        rows = self.rows.spread(self.item_ids, item_ids)
        return FittedBoughtTogether(self.recipe, item_ids, self.until, rows, groups)

    def _lines(self, query: Query) -> "Lines":
        if query.context_ids:
            return Lines.of_context(query, self.vocabulary)
        return Lines.of_latest(query, self.vocabulary, self.recipe.session)

    def _best(self, lines: NDArray[np.int64], weights: Floats, k: int, allow: Mask | None, row: int) -> Best:
        scores = self.rows.combine(lines, weights, len(self.item_ids))
        scores[lines] = 0
        variants = self.group_codes[lines]
        scores[np.isin(self.group_codes, variants[variants >= 0])] = 0
        return best(reached(scores), k, allowed(allow, row, len(scores)))


def _surprises(
    together: "csr_array[np.float64]", first: Floats, second: Floats, total: float
) -> "csr_array[np.float64]":
    """Log-likelihood ratios of the pairs that met oftener than by chance.

    `together` holds in how many baskets of `total` the products of its rows, each in `first`, and those of its columns,
    each in `second`, met.
    """
    one, other = first.repeat(np.diff(together.indptr)), second[together.indices]
    kept = together.data * total > one * other
    met, one, other, columns = together.data[kept], one[kept], other[kept], together.indices[kept]
    before = np.concatenate([[0], np.cumsum(kept)])
    cells = xlogy(met, met) + sum(
        xlogy(count, count)
        for count in (np.maximum(one - met, 0), np.maximum(other - met, 0), np.maximum(total - one - other + met, 0))
    )
    margins_of_rows = xlogy(first, first) + xlogy(total - first, total - first)
    margins_of_columns = xlogy(second, second) + xlogy(total - second, total - second)
    rows = np.arange(len(first)).repeat(np.diff(before[together.indptr]))
    ratios = 2 * (cells - margins_of_rows[rows] - margins_of_columns[columns] + xlogy(total, total))
    return csr_array((np.maximum(ratios, 0), columns, before[together.indptr]), shape=together.shape)


def _named(groups: Ids) -> Ids:
    """Empty where there is no group: what is saved has no None."""
    return np.where(groups == None, "", groups)  # noqa: E711  elementwise


def _codes(groups: Ids) -> Codes:
    """A number for each group, -1 for a product without one."""
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    return (codes - (1 if len(names) and not names[0] else 0)).astype(np.int32)
