"""Products as vectors of their words, each word weighing by how rare it is; a product told of later joins them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Codes, Floats, Ids, codes_of, places
from models.catalogue import Catalogue
from models.recommenders.product_words import Names, Words
from models.recommenders.sparse_rows import SparseRows


@dataclass(frozen=True)
class WordVectors:
    """`names` (words,) sorted, with the `rarity` of each and its sum over the catalogue that was fitted, `likeness`.

    `rows` holds a vector of length 1 for each product, empty where nothing is said; `postings` the same by word.
    """

    names: Names
    rarity: Floats
    likeness: Floats
    rows: SparseRows
    postings: SparseRows = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_word = self.matrix(self.rows).tocsc()
        postings = SparseRows(by_word.indptr.astype(np.int64), by_word.indices.astype(np.int32), by_word.data)
        object.__setattr__(self, "postings", postings)

    @classmethod
    def of(cls, words: Words, count: int, power: float) -> "WordVectors":
        """Of `count` products; a word weighs log(1 + products / those with it) to the `power`."""
        names, counts = np.unique(words.names, return_counts=True)
        rarity = np.log1p(len(np.unique(words.rows)) / counts) ** power
        rows = _rows(words, names, rarity, count)
        likeness = np.bincount(rows.indices, rows.weights, len(names)).astype(np.float64)
        return cls(names, rarity, likeness, rows)

    def told(self, item_ids: Ids, united_ids: Ids, catalogue: Catalogue) -> "WordVectors":
        """Over `united_ids` instead of `item_ids`: products of `catalogue` as it describes them, the others as before.

        Words keep their weights; one that nobody wrote before counts as the rarest. A product of which the catalogue
        says nothing stays as it was known. Costs what the described products cost, and a copy of the rest.
        """
        words = Words.of(catalogue)
        names = np.union1d(self.names, words.names)
        rarity, likeness = np.full(len(names), self.rarity.max(initial=1.0)), np.zeros(len(names))
        old = np.searchsorted(names, self.names)
        rarity[old], likeness[old] = self.rarity, self.likeness
        known = SparseRows(self.rows.indptr, old.astype(np.int32)[self.rows.indices], self.rows.weights)
        empty = SparseRows(np.zeros(2, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
        fresh = _rows(words, names, rarity, len(catalogue.item_ids))
        described = np.flatnonzero(np.diff(fresh.indptr))
        source = np.full(len(united_ids), len(item_ids))
        source[places(item_ids, united_ids)] = np.arange(len(item_ids))
        source[codes_of(catalogue.item_ids[described], united_ids)] = len(item_ids) + 1 + described
        return WordVectors(names, rarity, likeness, SparseRows.stack([known, empty, fresh]).take(source))

    def profile(self, products: NDArray[np.integer[Any]], weights: Floats) -> Floats:
        """The weighted sum of products, (words,)."""
        return self.rows.combine(products, weights, len(self.names))

    def searched(self, text: str) -> Floats:
        """What somebody looks for, (words,). Rarity is in the vectors of products; twice would be too much of it."""
        words, profile = Words.searched(text), np.zeros(len(self.names))
        if len(self.names):
            found = np.minimum(np.searchsorted(self.names, words.names), len(self.names) - 1)
            known = self.names[found] == words.names
            profile[found[known]] = words.weights[known]
        return profile

    def plainness(self) -> Floats:
        """How much each product is like all that were fitted together, itself included: 1 or more, (products,)."""
        return np.maximum(np.asarray(self.matrix(self.rows) @ self.likeness, np.float64), 1)

    def strongest(self, profile: Floats, most: int) -> NDArray[np.int64]:
        """The words that count: by their weight, until they stand in `most` descriptions; the first one always."""
        words = np.flatnonzero(profile)
        words = words[np.argsort(-profile[words], kind="stable")]
        costs = np.cumsum(self.postings.indptr[words + 1] - self.postings.indptr[words])
        return np.sort(words[: max(int(np.searchsorted(costs, most, "right")), 1)])

    def alike(self, profile: Floats, words: NDArray[np.int64]) -> Floats:
        """The inner product of `profile` with every product, by these `words` alone."""
        return self.postings.combine(words, profile[words], len(self.rows.indptr) - 1)

    def added(self, products: NDArray[np.int64], others: Codes, words: NDArray[np.int64]) -> Floats:
        """The inner products of `products` with `others` by these `words`, (products, others); -1 gets zero."""
        counting = np.zeros(len(self.names))
        counting[words] = 1.0
        mine = self.matrix(self.rows.take(products)) * counting
        known = np.flatnonzero(others >= 0)
        corner = np.zeros((len(products), len(others)))
        corner[:, known] = csr_array(mine @ self.matrix(self.rows.take(others[known])).T).toarray()
        return corner

    def matrix(self, rows: SparseRows) -> "csr_array[np.float32]":
        """`rows` for scipy, (rows, words)."""
        return csr_array((rows.weights, rows.indices, rows.indptr), shape=(len(rows.indptr) - 1, len(self.names)))


def _rows(words: Words, names: Names, rarity: Floats, count: int) -> SparseRows:
    columns: Codes = np.searchsorted(names, words.names).astype(np.int32)
    weights = words.weights * rarity[columns]
    lengths = np.sqrt(np.bincount(words.rows, weights**2, count))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(words.rows, minlength=count))]).astype(np.int64)
    return SparseRows(indptr, columns, (weights / lengths[words.rows]).astype(np.float32))
