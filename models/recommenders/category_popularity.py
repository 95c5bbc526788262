"""Popularity in category: what most people want lately among the kinds of things that the visitor is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, codes_of, places, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.category_tree import ROOT, CategoryTree
from models.recommenders.history import Forgetting, History
from models.recommenders.popularity import Popularity
from models.recommenders.top_k import allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class CategoryPopularity:
    """The chance of each product among the interactions of a category, by categories of the products asked about.

    Popularity halves every `half_life` days. The chance within `dairy/milk` is shrunk towards the one within `dairy`,
    that one towards the whole shop, as if `doubt` interactions of the wider level had been seen in the narrower one: a
    category with three sales leans on its parent. Products of the context (the page, the cart) decide; without them
    the history does, an interaction counting (1 + age / `fade_days`) to minus `fade`; without both it is popularity.
    """

    name: ClassVar[str] = "category_popularity"
    half_life: float | None = 30.0
    doubt: float = 30.0
    fade_days: float = 30.0
    fade: float = 0.7

    def __post_init__(self) -> None:
        if self.doubt <= 0:
            raise ValueError(f"doubt={self.doubt}; use a positive number of interactions, e.g. 30")

    def fit(self, interactions: Interactions) -> "FittedCategoryPopularity":
        """Count products; read their categories."""
        counts = Popularity(self.half_life).fit(interactions).counts
        categories = interactions.catalogue.text("category", interactions.item_ids)
        tree = CategoryTree.of(categories)
        return FittedCategoryPopularity(self, interactions.item_ids, interactions.until, counts, tree)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedCategoryPopularity":
        """The fitted model whose `arrays()` were saved."""
        tree = CategoryTree(arrays["paths"], arrays["nodes"])
        return FittedCategoryPopularity(self, arrays["item_ids"], float(arrays["until"]), arrays["counts"], tree)


@dataclass(frozen=True)
class FittedCategoryPopularity:
    """`counts` (items,) and the place of each product in the `tree`.

    The score is linear in the products asked about: each adds its share times the chances within its category.
    """

    recipe: CategoryPopularity
    item_ids: Ids
    until: float
    counts: Floats
    tree: CategoryTree
    totals: Floats = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=CategoryPopularity.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", self.tree.totals(self.counts))
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k likeliest products among those allowed; the popular ones of the shop for a stranger."""
        count = len(self.item_ids)
        answers = [best(self.scores(query), k, allowed(allow, row, count)) for row, query in enumerate(queries)]
        return ranking(answers, k, self.item_ids, self.name)

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf for one that nobody wanted."""
        return self._chances(*self._asked(query))

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The likeliest other products of each one's category; none for a product that is not known."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            scores = np.full(len(self.item_ids), -np.inf)
            if code >= 0:
                scores = self._chances(np.array([code], np.int64), np.ones(1))
                scores[code] = -np.inf
            answers.append(best(scores, k, allowed(allow, row, len(scores))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each entry of the history adds, exactly; entries of one product share its part.

        A context product that is not in the history has no entry to name; a stranger's answer has no reason in him.
        """
        products, shares = self._asked(query)
        history, wanted = self._history(query), self.vocabulary.codes(item_ids)
        counts = np.where(wanted >= 0, self.counts[wanted], 0) if len(self.counts) else np.zeros(len(wanted))
        asked = self.tree.nodes[history.products]
        nodes = self.tree.nodes[wanted] if len(self.tree.nodes) else wanted
        added = self.tree.chances(self.totals, asked, nodes, counts, self.recipe.doubt)
        part = np.zeros(len(history.products))
        common = np.isin(history.products, products)
        part[common] = shares[np.searchsorted(products, history.products[common])]
        return history.shared_out(added * part[:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, counts and the tree."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            "counts": self.counts,
            "paths": self.tree.paths,
            "nodes": self.tree.nodes,
        }

    def extended(self, catalogue: Catalogue) -> "FittedCategoryPopularity":
        """New products are wanted by nobody yet, but asking for one of them is asking for its category."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        categories = catalogue.text("category", catalogue.item_ids)
        told = np.flatnonzero(categories != None)  # noqa: E711  elementwise
        wider = self.tree.over(places(self.item_ids, item_ids), len(item_ids))
        tree = wider.moved(codes_of(catalogue.item_ids[told], item_ids), categories[told])
        counts = spread(self.counts, self.item_ids, item_ids)
        return FittedCategoryPopularity(self.recipe, item_ids, self.until, counts, tree)

    def _history(self, query: Query) -> History:
        forgetting = Forgetting(self.recipe.fade_days, self.recipe.fade)
        return History.of(query, self.vocabulary.codes(query.history_ids), forgetting)

    def _asked(self, query: Query) -> tuple[NDArray[np.int64], Floats]:
        """The products that the query is about, as rising codes, and the share of each; the shares sum to 1."""
        context = self.vocabulary.codes(query.context_ids)
        products, counts = np.unique(context[context >= 0], return_counts=True)
        if len(products):
            return products.astype(np.int64), counts / counts.sum()
        history = self._history(query)
        return history.products, history.totals / max(history.totals.sum(), np.finfo(float).tiny)

    def _chances(self, products: NDArray[np.int64], shares: Floats) -> Floats:
        interest = np.bincount(self.tree.nodes[products], shares, len(self.tree.paths)).astype(np.float64)
        if not len(products):
            interest[ROOT] = 1.0
        factors = self.tree.factors(self.totals, interest, self.recipe.doubt)
        return np.where(self.counts > 0, self.counts * factors[self.tree.nodes], -np.inf)
