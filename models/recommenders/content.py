"""Content: products that are described alike, so that one which nobody has touched yet is found like any other.

Words of a description weigh by how rare they are (Spärck Jones, 1972). What a product shares with a visitor's history
is set against what it shares with everything: plain things are like all others, and that says nothing about him.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.history import Forgetting, History
from models.recommenders.product_words import Words
from models.recommenders.sparse_rows import SparseRows
from models.recommenders.top_k import allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary
from models.recommenders.word_vectors import WordVectors

_POPULARITY = "popularity_30d"
_TIE = 1e-6
"""How much popularity may add to what a search finds: as good as nothing, where words tell two products apart at all.

A shop has many products of one description; of those the ones that people want come first.
"""


@dataclass(frozen=True)
class Content:
    """A product is a vector of length 1 of its words, each weighing log(1 + products / those with it) to the `rarity`.

    The score is the inner product with the sum of what the query is about, over the product's likeness to the whole
    catalogue to the `plainness`. What was searched for decides; without a text the products of the context; without
    both the history, an interaction counting (1 + age / `fade_days`) to minus `fade`. Of the words of a long history
    the strongest count, as long as they stand in no more than `most` descriptions together: a bound to what a query
    costs.
    """

    name: ClassVar[str] = "content"
    rarity: float = 2.5
    plainness: float = 0.5
    fade_days: float = 30.0
    fade: float = 0.7
    most: int = 100_000

    def fit(self, interactions: Interactions) -> "FittedContent":
        """Read the catalogue; what people did has no part in it."""
        item_ids = interactions.item_ids
        words = Words.of(_only(interactions.catalogue, item_ids))
        vectors = WordVectors.of(words, len(item_ids), self.rarity)
        popularity = np.nan_to_num(interactions.catalogue.number(_POPULARITY, item_ids))
        return FittedContent(self, item_ids, interactions.until, vectors, popularity)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedContent":
        """The fitted model whose `arrays()` were saved."""
        rows = SparseRows.restored(arrays)
        vectors = WordVectors(arrays["names"], arrays["rarity"], arrays["likeness"], rows)
        # A version of before popularity was kept knows of none until it is extended over a catalogue.
        popularity = arrays.get("popularity", np.zeros(len(arrays["item_ids"])))
        return FittedContent(self, arrays["item_ids"], float(arrays["until"]), vectors, popularity)


@dataclass(frozen=True)
class FittedContent:
    """The words of each product in `vectors`; `lift` (items,) sets back what is like everything.

    `popularity` (items,) is the catalogue's, 0 where it is not known.
    """

    recipe: Content
    item_ids: Ids
    until: float
    vectors: WordVectors
    popularity: Floats
    lift: Floats = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=Content.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lift", self.vectors.plainness() ** -self.recipe.plainness)
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products most like what each query is about; none where it is about nothing that is described."""
        count = len(self.item_ids)
        answers = [best(self.scores(query), k, allowed(allow, row, count)) for row, query in enumerate(queries)]
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products most like each given one, itself left out."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            asked = np.array([code] if code >= 0 else [], np.int64)
            scores = self._alike(self.vectors.profile(asked, np.ones(len(asked))))
            scores[asked] = -np.inf
            answers.append(best(scores, k, allowed(allow, row, len(scores))))
        return ranking(answers, k, self.item_ids, self.name)

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf for one that shares no word, and for those of the context themselves."""
        if query.text:
            return self._alike(self.vectors.searched(query.text)) * (1 + _TIE * self.popularity / (1 + self.popularity))
        scores = self._alike(self.vectors.profile(*self._asked(query)))
        context = self.vocabulary.codes(query.context_ids)
        scores[context[context >= 0]] = -np.inf
        return scores

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each entry of the history adds, exactly; entries of one product share its part.

        Zeros where a text was searched for. A context product that is not in the history has no entry to name.
        """
        if query.text:
            return np.zeros((len(query.history_ids), len(item_ids)))
        history, wanted = self._history(query), self.vocabulary.codes(item_ids)
        products, weights = self._asked(query)
        counting = self.vectors.strongest(self.vectors.profile(products, weights), self.recipe.most)
        added = self.vectors.added(history.products, wanted, counting)
        added[:, wanted >= 0] *= self.lift[wanted[wanted >= 0]]
        part = np.zeros(len(history.products))
        common = np.isin(history.products, products)
        part[common] = weights[np.searchsorted(products, history.products[common])]
        return history.shared_out(added * part[:, None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, the vocabulary, and the words of products in CSR."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            "names": self.vectors.names,
            "rarity": self.vectors.rarity,
            "likeness": self.vectors.likeness,
            **self.vectors.rows.arrays(),
            "popularity": self.popularity,
        }

    def extended(self, catalogue: Catalogue) -> "FittedContent":
        """With the products of `catalogue` as they are described there; all others stay as they are."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        vectors = self.vectors.told(self.item_ids, item_ids, catalogue)
        known, told = spread(self.popularity, self.item_ids, item_ids), catalogue.number(_POPULARITY, item_ids)
        return FittedContent(self.recipe, item_ids, self.until, vectors, np.where(np.isnan(told), known, told))

    def _history(self, query: Query) -> History:
        forgetting = Forgetting(self.recipe.fade_days, self.recipe.fade)
        return History.of(query, self.vocabulary.codes(query.history_ids), forgetting)

    def _asked(self, query: Query) -> tuple[NDArray[np.int64], Floats]:
        """The products that the query is about, as rising codes, and what each counts."""
        context = self.vocabulary.codes(query.context_ids)
        if (context >= 0).any():
            products, counts = np.unique(context[context >= 0], return_counts=True)
            return products.astype(np.int64), counts.astype(np.float64)
        history = self._history(query)
        return history.products, history.totals

    def _alike(self, profile: Floats) -> Floats:
        words = self.vectors.strongest(profile, self.recipe.most)
        scores = self.vectors.alike(profile, words) * self.lift
        return reached(scores)


def _only(catalogue: Catalogue, item_ids: Ids) -> Catalogue:
    """What `catalogue` says of `item_ids`."""
    texts = {name: catalogue.text(name, item_ids) for name in catalogue.texts}
    return Catalogue(catalogue.day, item_ids, texts, {"price": catalogue.number("price", item_ids)})
