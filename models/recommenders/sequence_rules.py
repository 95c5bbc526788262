"""Sequence rules: who looks at this goes on to that. The strongest simple model of sessions, fitted in seconds.

Ludewig and Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI, 2018), section 3.2: a rule weighs
more the nearer its two products stood. Ours lets the whole session vote, the latest step most, and lets a product lead
to itself where people come back to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, dia_array

from models.arrays import Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.interaction_matrix import decay
from models.recommenders.item_statistics import powered
from models.recommenders.sessions import CurrentSession, Sessions
from models.recommenders.sparse_rows import SparseRows, strongest
from models.recommenders.top_k import allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary

_ROWS = 5_000


@dataclass(frozen=True)
class SequenceRules:
    """Rules within sessions, which a pause of `gap_days` ends.

    Fitting: a product d steps after another adds d to minus `nearness` to their rule, up to `steps`; what shares a
    moment has d = 1 both ways; `backward` is what a rule gets against the order. Weights of interactions count to the
    `power`, and sessions halve every `half_life` days. A rule is divided by what its source has in all to the `alpha`
    and by what its target has to the `beta`. The `neighbours` strongest of each product stay.

    Asking: the product of `age` steps ago counts `fade` to the `age`. With `repeats`, products lead to themselves as
    often as they did; else to others only.
    """

    name: ClassVar[str] = "sequence_rules"
    gap_days: float = 0.5
    steps: int = 10
    nearness: float = 1.0
    backward: float = 0.3
    power: float = 0.5
    half_life: float | None = None
    alpha: float = 0.5
    beta: float = 0.0
    neighbours: int = 100
    fade: float = 0.5
    repeats: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1 or self.neighbours < 1:
            raise ValueError(f"steps={self.steps}, neighbours={self.neighbours}; a rule needs at least 1 of each")
        if not 0 < self.fade <= 1:
            raise ValueError(f"fade={self.fade}; use a number above 0, and 1 to count every step alike")

    def fit(self, interactions: Interactions) -> "FittedSequenceRules":
        """Count what follows what. Memory: `steps` entries an interaction, a few thousand products at a time."""
        sessions, width = Sessions.of(interactions, self.gap_days), len(interactions.item_ids)
        moments = self._moments(sessions, width)
        owner = np.repeat(np.arange(len(sessions.ends)), sessions.steps[sessions.indptr[1:] - 1] + 1)
        following = self._band(owner) @ moments
        leading = moments.T.tocsr()
        sources = np.asarray(leading.sum(axis=1), np.float64)
        targets = sources + np.asarray(following.sum(axis=0), np.float64)
        gain, pull = powered(sources, -self.alpha), powered(targets, -self.beta)
        blocks, own = [], np.zeros(width)
        for start in range(0, width, _ROWS):
            rows = slice(start, start + _ROWS)
            later = leading[rows] @ following
            own[rows] = later.diagonal(start) * gain[rows] * pull[rows] * self.repeats
            rules = (later + leading[rows] @ moments).tocsr()
            rules.data *= np.repeat(gain[rows], np.diff(rules.indptr)) * pull[rules.indices]
            blocks.append(strongest(rules, self.neighbours, first=start))
        return FittedSequenceRules(self, interactions.item_ids, interactions.until, SparseRows.stack(blocks), own)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedSequenceRules":
        """The fitted model whose `arrays()` were saved."""
        rows = SparseRows.restored(arrays)
        return FittedSequenceRules(self, arrays["item_ids"], float(arrays["until"]), rows, arrays["own"])

    def _moments(self, sessions: Sessions, width: int) -> "csr_array[np.float64]":
        """One row a step of a session, one column a product."""
        sizes = sessions.lengths()
        age = np.repeat(np.sqrt(decay(sessions.ends, self.half_life)), sizes)
        rows = np.cumsum(np.append(True, (np.diff(sessions.steps) != 0) | _begins(sessions)[1:])[: len(age)]) - 1
        shape = (int(rows[-1]) + 1 if len(rows) else 0, width)
        return csr_array((sessions.weights**self.power * age, (rows, sessions.items)), shape=shape)

    def _band(self, owner: NDArray[np.int64]) -> "csr_array[np.float64]":
        """Which step sees which: (steps, steps), the weight of their distance where they are of one session."""
        count = len(owner)
        offsets = np.array([step for step in range(-self.steps if self.backward else 1, self.steps + 1) if step])
        values = np.abs(offsets.astype(float)) ** -self.nearness * np.where(offsets < 0, self.backward, 1.0)
        band = np.zeros((len(offsets), count))
        for place, offset in enumerate(offsets):
            column = np.arange(max(offset, 0), count + min(offset, 0))
            band[place, column] = values[place] * (owner[column] == owner[column - offset])
        return csr_array(dia_array((band, offsets), shape=(count, count)).tocsr())


@dataclass(frozen=True)
class FittedSequenceRules:
    """The strongest rules of each product in `rows`, without that to itself, which stands in `own` (items,)."""

    recipe: SequenceRules
    item_ids: Ids
    until: float
    rows: SparseRows
    own: Floats
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=SequenceRules.name, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products that the rules of the current session lead to; none where they lead nowhere."""
        answers = []
        for row, query in enumerate(queries):
            session = self._session(query)
            factors = self._factors(session)
            scores = self.rows.combine(session.products, factors, len(self.item_ids))
            np.add.at(scores, session.products, factors * self.own[session.products])
            answers.append(best(reached(scores), k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products that most often follow, itself left out."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            start = np.array([code] if code >= 0 else [], np.int64)
            scores = self.rows.combine(start, np.ones(len(start)), len(self.item_ids))
            answers.append(best(reached(scores), k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What the rules of each entry of the session add, exactly; nothing from earlier sessions."""
        session, wanted = self._session(query), self.vocabulary.codes(item_ids)
        added = self.rows.lookup(session.products, wanted)
        added += (session.products[:, None] == wanted) * self.own[session.products][:, None]
        return session.shared_out(added * self._factors(session)[:, None], len(query.history_ids))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, the rules in CSR, and those of products to themselves."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            **self.rows.arrays(),
            "own": self.own,
        }

    def extended(self, catalogue: Catalogue) -> "FittedSequenceRules":
        """Nothing has led to a new product yet."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        rows, own = self.rows.spread(self.item_ids, item_ids), spread(self.own, self.item_ids, item_ids)
        return FittedSequenceRules(self.recipe, item_ids, self.until, rows, own)

    def _session(self, query: Query) -> CurrentSession:
        codes, context = self.vocabulary.codes(query.history_ids), self.vocabulary.codes(query.context_ids)
        return CurrentSession.of(query, codes, context, self.recipe.gap_days)

    def _factors(self, session: CurrentSession) -> Floats:
        return np.asarray(self.recipe.fade**session.ages * session.weights**self.recipe.power, np.float64)


def _begins(sessions: Sessions) -> Mask:
    begins = np.zeros(len(sessions.items), bool)
    begins[sessions.indptr[:-1]] = True
    return begins
