"""RP3beta: a walk from product to customer to product, fitted in seconds on CPU, with buying again as part of the walk.

Paudel, Christoffel, Newell and Bernstein, "Updatable, accurate, diverse, and scalable recommendations for interactive
applications" (ACM TiiS, 2017). Ours adds what a shop's history shows: walks fade with age, products that sell
better lately than usual get more, and a product leads back to itself with a strength of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.cells import Cells
from models.recommenders.history import Forgetting, History
from models.recommenders.interaction_matrix import interaction_matrix
from models.recommenders.item_statistics import loyalty, powered, trend
from models.recommenders.sparse_rows import SparseRows
from models.recommenders.strongest_entries import strongest_entries
from models.recommenders.strongest_products import strongest_products
from models.recommenders.top_k import allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class RP3Beta:
    """Item-item by random walk.

    Fitting: x(u, i) are a customer's interactions with a product, halved every `half_life` days, to the `power`. A step
    has probability P to the `alpha`, and the product walked to, of popularity p, is weighted by p to minus `beta` and
    by its trend (sales of the last weeks over the usual) to the `trend`. The `neighbours` strongest of each stay.

    Asking: an interaction counts (1 + age / `fade_days`) to minus `fade`; what a product has gathered, to the
    `history_power`, walks to its neighbours. To itself it leads with `repeat` times what it gathered, times the loyalty
    of its buyers (the share that came back for it, over the average) to the `loyalty`; all neighbours together get 1 on
    average. `repeat=0` leaves only what others bought with it.
    """

    name: ClassVar[str] = "rp3beta"
    half_life: float | None = 90.0
    power: float = 0.2
    alpha: float = 0.7
    beta: float = 0.2
    trend: float = 0.75
    neighbours: int = 100
    customers: int = 5_000
    fade_days: float = 30.0
    fade: float = 0.7
    history_power: float = 0.75
    repeat: float = 8.0
    loyalty: float = 0.6

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"neighbours={self.neighbours}; a product needs at least one, 100 lose nothing")
        if self.customers < 1:
            raise ValueError(f"customers={self.customers}; a walk needs at least one to go through, 5000 lose nothing")
        if self.repeat < 0:
            raise ValueError(f"repeat={self.repeat}; use 0 to leave out what the customer had, mask it to forbid it")

    def fit(self, interactions: Interactions) -> "FittedRP3Beta":
        """Walk from every product and keep the strongest ends."""
        cells = Cells.of(interactions)
        wanted = interaction_matrix(interactions, self.half_life, self.power, cells)
        again = self.repeat * loyalty(interactions, cells) ** self.loyalty
        del cells  # a number for each interaction, which the walk does without
        popularity = np.bincount(wanted.indices, wanted.data, wanted.shape[1]).astype(np.float64)
        activity = np.asarray(wanted.sum(axis=1), np.float64)
        pull: Floats = trend(interactions) ** self.trend * powered(popularity, -self.beta)
        to_customer = strongest_entries(_scaled_rows(wanted.T.tocsr(), popularity, self.alpha), self.customers)
        to_product = _scaled_rows(wanted, activity, self.alpha)
        to_product.data *= pull[to_product.indices]
        rows = strongest_products(to_customer, to_product, self.neighbours)
        reached = rows.sums()
        mean = reached[reached > 0].mean() if (reached > 0).any() else 1.0
        return FittedRP3Beta(self, interactions.item_ids, interactions.until, rows.scaled(1 / mean), again)

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured: 96 bytes an interaction, 12 a neighbour, and what a few hundred products at a time take."""
        return 96 * len(interactions.items) + 12 * self.neighbours * len(interactions.item_ids) + 2**26

    def way_out(self, interactions: Interactions, memory: int) -> str:  # noqa: ARG002
        """What grows is the history."""
        return "train on fewer days, or on a machine with more memory; fewer neighbours help where products are many"

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedRP3Beta":
        """The fitted model whose `arrays()` were saved."""
        rows = SparseRows.restored(arrays)
        return FittedRP3Beta(self, arrays["item_ids"], float(arrays["until"]), rows, arrays["again"])


@dataclass(frozen=True)
class FittedRP3Beta:
    """The strongest walks of each product in `rows`, without itself; what leads back to itself in `again` (items,)."""

    recipe: RP3Beta
    item_ids: Ids
    until: float
    rows: SparseRows
    again: Floats
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=RP3Beta.name, init=False)
    silence: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products that the walks from the history reach most; none where the history leads nowhere."""
        count, said = len(self.item_ids), self.scores_of_all(queries)
        answers = [best(scores, k, allowed(allow, row, count), self.silence) for row, scores in enumerate(said)]
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k strongest neighbours: what a history of this one product leads to, itself left out."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            start = np.array([code] if code >= 0 else [], np.int64)
            scores = self.rows.combine(start, np.ones(len(start)), len(self.item_ids))
            answers.append(best(reached(scores), k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each entry of the history adds to each item's score, exactly; entries of one product share its part."""
        history, wanted = self._history(query), self.vocabulary.codes(item_ids)
        added = self.rows.lookup(history.products, wanted) * (history.totals**self.recipe.history_power)[:, None]
        same = history.products[:, None] == wanted
        added += same * (history.totals * self.again[history.products])[:, None]
        return history.shared_out(added)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, the walks in CSR, and the way back."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            **self.rows.arrays(),
            "again": self.again,
        }

    def extended(self, catalogue: Catalogue) -> "FittedRP3Beta":
        """Nobody has walked to a new product yet."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        rows, again = self.rows.spread(self.item_ids, item_ids), spread(self.again, self.item_ids, item_ids)
        return FittedRP3Beta(self.recipe, item_ids, self.until, rows, again)

    def _history(self, query: Query) -> History:
        forgetting = Forgetting(self.recipe.fade_days, self.recipe.fade)
        return History.of(query, self.vocabulary.codes(query.history_ids), forgetting)

    def scores(self, query: Query) -> Floats:
        """Of every product (items,), -inf where the walks do not lead."""
        return reached(next(self.scores_of_all([query])))

    def scores_of_all(self, queries: Sequence[Query]) -> Iterator[Floats]:
        """Of each query, in turn, 0 where the walks do not lead; the histories are weighed together."""
        forgetting = Forgetting(self.recipe.fade_days, self.recipe.fade)
        codes = [self.vocabulary.codes(query.history_ids) for query in queries]
        for history in History.of_all(queries, codes, len(self.item_ids), forgetting):
            scores = self.rows.combine(history.products, history.totals**self.recipe.history_power, len(self.item_ids))
            scores[history.products] += history.totals * self.again[history.products]
            yield scores


def _scaled_rows(matrix: "csr_array[np.float64]", sums: Floats, alpha: float) -> "csr_array[np.float64]":
    """Steps of a walk: each row over its sum, to the `alpha`."""
    steps = np.repeat(sums, np.diff(matrix.indptr))
    np.divide(matrix.data, steps, out=steps)
    return csr_array((np.power(steps, alpha, out=steps), matrix.indices, matrix.indptr), shape=matrix.shape)
