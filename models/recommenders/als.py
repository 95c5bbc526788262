"""ALS: customers and products as vectors of a few dozen numbers, by the `implicit` library; a visitor is folded in.

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets" (ICDM 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.history import Forgetting, History
from models.recommenders.inner_product import LongestFirst
from models.recommenders.interaction_matrix import interaction_matrix
from models.recommenders.top_k import allowed, best, ranking
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class ALS:
    """Weighted matrix factorisation: an interaction of weight x is believed with 1 + `confidence` * x.

    Weights are halved every `half_life` days and raised to `power`, as in the other recommenders. Factors are solved
    exactly (Cholesky), so neither the order of customers nor the number of threads shows in them; `seed` draws the
    start. At the query an interaction counts (1 + age / `fade_days`) to minus `fade`.
    """

    name: ClassVar[str] = "als"
    factors: int = 96
    regularization: float = 10.0
    confidence: float = 1.0
    iterations: int = 4
    half_life: float | None = 120.0
    power: float = 1.0
    fade_days: float = 30.0
    fade: float = 0.5
    seed: int = 7

    def fit(self, interactions: Interactions) -> "FittedALS":
        """Alternate between customers and products; only the products stay."""
        wanted = interaction_matrix(interactions, self.half_life, self.power)
        known = np.bincount(wanted.indices, minlength=wanted.shape[1]) > 0
        factors = np.zeros((len(known), self.factors), np.float32)
        if known.any():
            factors[known] = self._factors(csr_matrix(wanted[:, known]))
        return FittedALS(self, interactions.item_ids, interactions.until, factors)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedALS":
        """The fitted model whose `arrays()` were saved."""
        return FittedALS(self, arrays["item_ids"], float(arrays["until"]), arrays["factors"])

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured: 72 bytes an interaction while the matrix is made; then the matrix, its transpose and the vectors.

        Those of products are there once more in single and once in double precision when the model is put together;
        the double ones are gone before a fourth is copied for queries.
        """
        count, products = len(interactions.items), len(interactions.item_ids)
        return max(72 * count, 28 * count + 4 * self.factors * (interactions.customer_count + 4 * products))

    def way_out(self, interactions: Interactions, memory: int) -> str:
        """Fewer factors where these are what is large, else fewer days."""
        least = 28 * len(interactions.items)
        vectors = interactions.customer_count + 4 * len(interactions.item_ids)
        fits = (memory - least) // (4 * vectors) // 8 * 8
        if 72 * len(interactions.items) <= memory and fits >= 8:
            return f"take factors={fits}, or train on fewer days"
        return "train on fewer days, or on a machine with more memory"

    def _factors(self, wanted: "csr_matrix[np.float64]") -> NDArray[np.float32]:
        values = (1 + self.confidence * wanted.data).astype(np.float32)
        beliefs = csr_matrix((values, wanted.indices, wanted.indptr), shape=wanted.shape)
        # OpenBLAS threads inside of ALS threads collapse its speed, and implicit warns of them when it is made.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=1.0,
                iterations=self.iterations,
                use_cg=False,
                random_state=self.seed,
            )
            model.item_factors = _start(wanted, self.factors, self.seed)
            model.fit(beliefs, show_progress=False)
        return np.asarray(model.item_factors, np.float32)


@dataclass(frozen=True)
class FittedALS:
    """Item vectors in `factors` (items, factors), zeros for a product that nobody wanted.

    Their Gram matrix is kept, and a fourth of them once more, the longest first.
    """

    recipe: ALS
    item_ids: Ids
    until: float
    factors: NDArray[np.float32]
    gram: Floats = field(init=False, repr=False, compare=False)
    known: Mask = field(init=False, repr=False, compare=False)
    longest: LongestFirst = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=ALS.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gram", _gram(self.factors, self.recipe.regularization))
        object.__setattr__(self, "known", self.factors.any(axis=1))
        object.__setattr__(self, "longest", LongestFirst.of(self.factors))
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """Fold each history in and rank by inner product; none where the model knows nothing of the history."""
        answers = []
        for row, query in enumerate(queries):
            visitor, mask = self.visitor(query), allowed(allow, row, len(self.item_ids))
            speaks = self.known & bool(visitor.any())
            allowing = speaks if mask is None else speaks & mask
            answers.append(self.longest.best(visitor.astype(np.float32), k, allowing))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products whose vectors point most the same way (cosine)."""
        lengths = np.linalg.norm(self.factors, axis=1)
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            scores = np.full(len(self.item_ids), -np.inf)
            if code >= 0 and self.known[code]:
                near = self.factors @ (self.factors[code] / lengths[code])
                np.divide(near, lengths, where=self.known, out=scores)
                scores[code] = -np.inf
            answers.append(best(scores, k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """The score is linear in what is believed of each product of the history, so each one's part is exact."""
        history, wanted = self._history(query), self.vocabulary.codes(item_ids)
        if not len(history.products):
            return np.zeros((history.length, len(item_ids)))
        beliefs, mine = self._beliefs(history), self.factors[history.products].astype(np.float64)
        solved = cho_solve(self._system(mine, beliefs), (mine * beliefs[:, None]).T)
        targets = np.where((wanted >= 0)[:, None], self.factors[wanted], 0).astype(np.float64)
        return history.shared_out((targets @ solved).T)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and item vectors."""
        return {"item_ids": self.item_ids, "until": np.array(self.until), "factors": self.factors}

    def extended(self, catalogue: Catalogue) -> "FittedALS":
        """A new product has no vector."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        return FittedALS(self.recipe, item_ids, self.until, spread(self.factors, self.item_ids, item_ids))

    def visitor(self, query: Query) -> Floats:
        """The vector of whoever has this history: the half-step of ALS that solves for one customer, (factors,)."""
        history = self._history(query)
        if not len(history.products):
            return np.zeros(self.factors.shape[1])
        beliefs, mine = self._beliefs(history), self.factors[history.products].astype(np.float64)
        return np.asarray(cho_solve(self._system(mine, beliefs), mine.T @ beliefs), np.float64)

    def _history(self, query: Query) -> History:
        codes = self.vocabulary.codes(query.history_ids)
        known = codes >= 0
        known[known] = self.known[codes[known]]
        forgetting = Forgetting(self.recipe.fade_days, self.recipe.fade)
        return History.of(query, np.where(known, codes, np.int32(-1)), forgetting)

    def _beliefs(self, history: History) -> Floats:
        return 1 + self.recipe.confidence * history.totals**self.recipe.power

    def _system(self, mine: Floats, beliefs: Floats) -> tuple[Floats, bool]:
        factor, lower = cho_factor(self.gram + (mine.T * (beliefs - 1)) @ mine, check_finite=False)
        return factor, lower


def _gram(factors: NDArray[np.float32], ridge: float) -> Floats:
    exact = factors.astype(np.float64)
    return np.asarray(exact.T @ exact + ridge * np.eye(factors.shape[1]), np.float64)


def _start(wanted: "csr_matrix[np.float64]", factors: int, seed: int) -> NDArray[np.float32]:
    """Random item vectors to start from, drawn in an order that ids have no part in: popular products first."""
    totals = np.bincount(wanted.indices, wanted.data, wanted.shape[1])
    drawn = np.random.default_rng(seed).random((len(totals), factors), dtype=np.float32) * np.float32(0.01)
    start = np.empty_like(drawn)
    start[np.argsort(-totals, kind="stable")] = drawn
    return start
