"""SASRec: a small transformer reads the session and says what comes next. Trained on CPU, served without autograd.

Kang and McAuley, "Self-attentive sequential recommendation" (ICDM 2018), with a softmax over sampled negatives and with
vectors of length 1 (Gupta, Garg, Malhotra, Vig and Shroff, "NISER", 2019), which keeps rare products in the running.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.sessions import CurrentSession, Sessions, spans
from models.recommenders.top_k import allowed, best, ranking
from models.recommenders.transformer import outlook, unit
from models.recommenders.transformer_training import train
from models.recommenders.vocabulary import Vocabulary

_TORCH = 450_000_000
"""Resident once torch is imported and has trained something small."""


@dataclass(frozen=True)
class SASRec:
    """`blocks` of self-attention over the latest `length` interactions, of vectors with `factors` numbers.

    A pause of more than `gap_days` starts anew; the default reads on for a year. Training goes `epochs` times through
    all sequences, `batch` at once, against `negatives` products drawn half evenly and half by frequency; `sharpness` is
    the factor on cosines, `rate` that of Adam, which falls to 0; `seed` draws the start, the order and the negatives.
    Vectors of products begin near those of what stands within `window` steps of them; with 0 they begin at random, from
    where small data do not get far. Needs torch for fitting only.
    """

    name: ClassVar[str] = "sasrec"
    gap_days: float = 365.0
    factors: int = 64
    blocks: int = 2
    heads: int = 2
    length: int = 50
    epochs: int = 10
    batch: int = 256
    negatives: int = 512
    dropout: float = 0.2
    rate: float = 2e-3
    sharpness: float = 16.0
    window: int = 5
    seed: int = 7

    def __post_init__(self) -> None:
        if self.factors % self.heads:
            raise ValueError(f"factors={self.factors} do not part evenly into heads={self.heads}")

    def fit(self, interactions: Interactions) -> "FittedSASRec":
        """Learn to foresee each next interaction. Raises ImportError without torch, with what to install."""
        return self.fit_by(interactions, train)

    def fit_by(self, interactions: Interactions, training: "Training") -> "FittedSASRec":
        """The same with the weights from `training`, which may be done elsewhere, by many."""
        sessions = Sessions.of(interactions, self.gap_days)
        sizes = np.minimum(sessions.lengths(), self.length + 1)
        items = sessions.items[spans(sessions.indptr[1:] - sizes, sizes)]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        long = sizes > 1
        items, indptr = items[np.repeat(long, sizes)], np.concatenate([[0], np.cumsum(sizes[long])]).astype(np.int64)
        # Products are drawn and started in the order of their popularity, so that ids have no part in it.
        totals = np.bincount(interactions.items, interactions.weights, len(interactions.item_ids))
        met = np.flatnonzero(np.bincount(items, minlength=len(totals)))
        met = met[np.argsort(-totals[met], kind="stable")]
        places = np.zeros(len(totals), np.int32)
        places[met] = np.arange(len(met))
        weights: dict[str, NDArray[Any]] = {"items": np.zeros((0, self.factors), np.float32)}
        if len(met):
            weights = dict(training(self, indptr, places[items], len(met)))
        learned = weights.pop("items")
        weights["items"] = np.zeros((len(totals), self.factors), np.float32)
        weights["items"][met] = unit(learned)
        return FittedSASRec(self, interactions.item_ids, interactions.until, weights)

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured, with torch itself: 75 bytes an interaction for the sequences; then the more of where vectors begin
        and what a batch leaves for its gradients, beside the vectors with theirs and with Adam's moments.
        """
        kept = int(np.minimum(np.bincount(interactions.customers), self.length + 1).sum())
        begin = 56 * self.factors * _touched(interactions) + 100 * self.window * kept if self.window else 0
        learn = self.batch * self._bytes_a_sequence() + self._vectors(interactions)
        return self._least(interactions) + max(begin, learn)

    def way_out(self, interactions: Interactions, memory: int) -> str:
        """Smaller batches where these are what is large, else fewer days."""
        left = memory - self._least(interactions) - self._vectors(interactions)
        fits = left // self._bytes_a_sequence() // 8 * 8
        if fits >= 16 and replace(self, batch=fits).bytes_needed(interactions) <= memory:
            return f"take batch={fits}, or train on fewer days"
        return "train on fewer days, or on a machine with more memory"

    def _least(self, interactions: Interactions) -> int:
        return _TORCH + 75 * len(interactions.items)

    def _vectors(self, interactions: Interactions) -> int:
        return 36 * self.factors * _touched(interactions)

    def _bytes_a_sequence(self) -> int:
        return self.length * (20 * self.negatives + (72 * self.blocks + 16) * self.factors)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedSASRec":
        """The fitted model whose `arrays()` were saved."""
        weights = {name: array for name, array in arrays.items() if name not in ("item_ids", "until")}
        return FittedSASRec(self, arrays["item_ids"], float(arrays["until"]), weights)


Training = Callable[[SASRec, NDArray[np.int64], NDArray[np.int32], int], Mapping[str, NDArray[Any]]]
"""Weights by name out of a recipe, sequences in CSR (where each begins, its products), and how many products there are:
as `transformer_training.train`."""


@dataclass(frozen=True)
class FittedSASRec:
    """The transformer's `weights` by name; `items` (items, factors) of length 1, zeros for what was in no sequence.

    A score is exp(sharpness * (cosine - 1)), so that scores are in proportion to the probabilities that were learned.
    """

    recipe: SASRec
    item_ids: Ids
    until: float
    weights: dict[str, NDArray[Any]]
    known: Mask = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=SASRec.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", self.weights["items"].any(axis=1))
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products nearest to what is expected next; none where nothing of the history is known."""
        answers = []
        for row, query in enumerate(queries):
            scores = self._scores(self._steps(query)[0])
            answers.append(best(scores, k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products whose vectors point most the same way (cosine)."""
        answers, items = [], self.weights["items"]
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            scores = np.full(len(self.item_ids), -np.inf)
            if code >= 0 and self.known[code]:
                scores = np.where(self.known, items @ items[code], -np.inf)
                scores[code] = -np.inf
            answers.append(best(scores, k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """How much lower an item's score would be without the entry, 0 at least; these do not sum to the score."""
        codes, entries = self._steps(query)
        wanted = self.vocabulary.codes(item_ids)
        added = np.zeros((len(query.history_ids), len(wanted)))
        whole = self._scores(codes)
        for place in np.flatnonzero(entries >= 0):
            without = self._scores(np.delete(codes, place))
            lost = np.where(np.isfinite(whole), whole - np.where(np.isfinite(without), without, 0), 0)
            added[entries[place]] = np.where(wanted >= 0, np.maximum(lost[wanted], 0), 0)
        return added

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, and the weights."""
        return {"item_ids": self.item_ids, "until": np.array(self.until), **self.weights}

    def extended(self, catalogue: Catalogue) -> "FittedSASRec":
        """A new product has no vector."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        items = spread(self.weights["items"], self.item_ids, item_ids)
        return FittedSASRec(self.recipe, item_ids, self.until, {**self.weights, "items": items})

    def _steps(self, query: Query) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Codes of the latest steps, oldest first, and the places in the history that they came from."""
        codes, context = self.vocabulary.codes(query.history_ids), self.vocabulary.codes(query.context_ids)
        learned = np.append(self.known, False)
        codes, context = np.where(learned[codes], codes, -1), np.where(learned[context], context, -1)
        session = CurrentSession.of(query, codes, context, self.recipe.gap_days)
        newest = slice(0, self.recipe.length)
        return session.products[newest][::-1], session.entries[newest][::-1]

    def _scores(self, codes: NDArray[np.int64]) -> Floats:
        if not len(codes):
            return np.full(len(self.item_ids), -np.inf)
        cosines = self.weights["items"] @ outlook(self.weights, codes, self.recipe.heads)
        return np.where(self.known, np.exp(self.recipe.sharpness * (cosines.astype(np.float64) - 1)), -np.inf)


def _touched(interactions: Interactions) -> int:
    """How many products somebody touched: only these have vectors to learn."""
    return int(np.count_nonzero(np.bincount(interactions.items)))
