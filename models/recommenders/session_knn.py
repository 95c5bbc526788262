"""Session kNN: past sessions that look like the current one vote for what comes next. Nothing is trained.

Garg, Gupta, Malhotra, Vig and Shroff, "Sequence and time aware neighborhood for session-based recommendations: STAN"
(SIGIR 2019), with the inverse document frequency of V-STAN (Ludewig, Mauro, Latifi and Jannach, UMUAI 2020), on the
latest sessions of each product as in VMIS-kNN (Kersbergen, Sprangers and Schelter, "Serenade", SIGMOD 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Ranking
from models.recommenders.sessions import CurrentSession, Sessions, spans
from models.recommenders.top_k import allowed, best, ranking, reached
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class SessionKNN:
    """Neighbours among past sessions, which a pause of more than `gap_days` ends.

    A past session is as near as the products it shares: each counts `fade` to its age in steps in the current session,
    times its idf to the `idf`; the sum is divided by the length of the past session to the `length`, and halves every
    `half_life` days that the past session lies behind the newest. Of each product only the `recent` latest sessions are
    looked at, of all these the `neighbours` nearest vote. A vote for a product d steps behind the newest shared one
    counts `ahead` to the d - 1, one before it `behind` times as much, the shared product itself `repeat` times.
    """

    name: ClassVar[str] = "session_knn"
    gap_days: float = 0.5
    recent: int = 500
    neighbours: int = 200
    fade: float = 0.8
    idf: float = 2.0
    length: float = 0.25
    half_life: float | None = None
    ahead: float = 0.6
    behind: float = 0.7
    latest: int = 10
    repeat: float = 1.0

    def __post_init__(self) -> None:
        if min(self.recent, self.neighbours, self.latest) < 1:
            raise ValueError(f"recent={self.recent}, neighbours={self.neighbours}, latest={self.latest}; use 1 or more")
        if not 0 < self.fade <= 1 or not 0 < self.ahead <= 1:
            raise ValueError(f"fade={self.fade}, ahead={self.ahead}; use numbers above 0, and 1 to count all alike")

    def fit(self, interactions: Interactions) -> "FittedSessionKNN":
        """Keep the sessions that any product's list still reaches."""
        sessions = Sessions.of(interactions, self.gap_days)
        sessions = sessions.kept(np.flatnonzero(sessions.lengths() > 1))
        owners = np.repeat(np.arange(len(sessions.ends)), sessions.lengths())
        seen, once = np.unique(sessions.items * np.int64(len(owners) + 1) + owners, return_index=True)
        counts = np.bincount(sessions.items[once], minlength=len(interactions.item_ids))
        from_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(once))
        listed = seen[from_end <= self.recent] % (len(owners) + 1)
        reached = np.unique(listed)
        kept = sessions.kept(reached)
        return FittedSessionKNN(
            recipe=self,
            item_ids=interactions.item_ids,
            until=interactions.until,
            sessions=kept,
            counts=counts.astype(np.int64),
            lists=np.searchsorted(reached, listed).astype(np.int32),
        )

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedSessionKNN":
        """The fitted model whose `arrays()` were saved."""
        ends, weights = arrays["ends"], np.ones(len(arrays["items"]))
        sessions = Sessions(arrays["indptr"], arrays["items"], arrays["steps"], weights, ends)
        until = float(arrays["until"])
        return FittedSessionKNN(self, arrays["item_ids"], until, sessions, arrays["counts"], arrays["lists"])


@dataclass(frozen=True)
class FittedSessionKNN:
    """Past `sessions`, how many of them had each product in `counts` (items,), the latest of each in `lists`.

    Lists stand product by product, oldest first.
    """

    recipe: SessionKNN
    item_ids: Ids
    until: float
    sessions: Sessions
    counts: NDArray[np.int64]
    lists: NDArray[np.int32]
    indptr: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    idf: Floats = field(init=False, repr=False, compare=False)
    worth: Floats = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=SessionKNN.name, init=False)

    def __post_init__(self) -> None:
        ends = self.sessions.ends
        listed = np.minimum(self.counts, self.recipe.recent)
        idf = np.log1p(max(len(ends), 1) / np.maximum(self.counts, 1)) ** self.recipe.idf
        age = np.zeros(len(ends)) if self.recipe.half_life is None else (ends.max(initial=0) - ends)
        worth = np.exp2(-age / (self.recipe.half_life or 1)) * self.sessions.lengths() ** -self.recipe.length
        object.__setattr__(self, "indptr", np.concatenate([[0], np.cumsum(listed)]).astype(np.int64))
        object.__setattr__(self, "idf", idf)
        object.__setattr__(self, "worth", worth)
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products with the most votes; none where no past session shares anything."""
        answers = []
        for row, query in enumerate(queries):
            scores = self._scores(self._session(query))
            answers.append(best(scores, k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """What a session of this one product leads to, itself left out."""
        answers = []
        for row, code in enumerate(self.vocabulary.codes(item_ids)):
            known = np.array([code] if code >= 0 else [], np.int64)
            scores = self._scores(CurrentSession(known, 0 * known, np.ones(len(known)), known))
            scores[known] = -np.inf
            answers.append(best(scores, k, allowed(allow, row, len(self.item_ids))))
        return ranking(answers, k, self.item_ids, self.name)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Each entry's part in how near the voting sessions are, exactly; nothing from earlier sessions."""
        session, wanted = self._session(query), self.vocabulary.codes(item_ids)
        votes = self._votes(session)
        added = np.zeros((len(votes.parts), len(self.item_ids) + 1))
        for row, nearness in enumerate(votes.parts):
            added[row] = np.bincount(votes.items, nearness[votes.voters] * votes.counts, added.shape[1])
        return session.shared_out(added[:, wanted], len(query.history_ids))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Ids, end of the data, the sessions in CSR with their ends, and the latest sessions of each product."""
        return {
            "item_ids": self.item_ids,
            "until": np.array(self.until),
            "indptr": self.sessions.indptr,
            "items": self.sessions.items,
            "steps": self.sessions.steps,
            "ends": self.sessions.ends,
            "counts": self.counts,
            "lists": self.lists,
        }

    def extended(self, catalogue: Catalogue) -> "FittedSessionKNN":
        """A new product was in no session."""
        item_ids = united(self.item_ids, catalogue.item_ids)
        places = np.searchsorted(item_ids, self.item_ids).astype(np.int32)
        sessions = replace(self.sessions, items=places[self.sessions.items])
        counts = spread(self.counts, self.item_ids, item_ids)
        return FittedSessionKNN(self.recipe, item_ids, self.until, sessions, counts, self.lists)

    def _session(self, query: Query) -> CurrentSession:
        codes, context = self.vocabulary.codes(query.history_ids), self.vocabulary.codes(query.context_ids)
        return CurrentSession.of(query, codes, context, self.recipe.gap_days)

    def _scores(self, session: CurrentSession) -> Floats:
        votes = self._votes(session)
        nearness = votes.parts.sum(axis=0)
        scores = np.bincount(votes.items, nearness[votes.voters] * votes.counts, len(self.item_ids))
        return reached(scores.astype(np.float64, copy=False))

    def _votes(self, session: CurrentSession) -> "_Votes":
        """Find the neighbours and what each of them says."""
        recipe, known = self.recipe, self.sessions
        _, newest = np.unique(session.products, return_index=True)
        rows = np.sort(newest)[: recipe.latest]
        products, ages = session.products[rows], session.ages[rows]
        starts = self.indptr[products]
        lengths = self.indptr[products + 1] - starts
        owners, listed = np.repeat(np.arange(len(rows)), lengths), self.lists[spans(starts, lengths)]
        near, first, place = np.unique(listed, return_index=True, return_inverse=True)
        factors = (recipe.fade**ages * self.idf[products])[owners]
        nearness = np.bincount(place, factors, len(near)) * self.worth[near]
        chosen = _largest(nearness, recipe.neighbours)
        column = np.cumsum(chosen) - 1
        heard = chosen[place]
        parts = np.zeros((len(session.products), int(chosen.sum())))
        parts[rows[owners[heard]], column[place[heard]]] = factors[heard] * self.worth[near[place[heard]]]
        near, shared = near[chosen], products[owners[first[chosen]]]
        sizes = known.indptr[near + 1] - known.indptr[near]
        places, voters = spans(known.indptr[near], sizes), np.repeat(np.arange(len(near)), sizes)
        items, steps = known.items[places], known.steps[places]
        return _Votes(parts, voters, items, self._counts(steps, items == shared[voters], voters))

    def _counts(self, steps: NDArray[np.int32], shared: Mask, voters: NDArray[np.int64]) -> Floats:
        """What a vote counts by its distance from where the voter last had the newest shared product."""
        anchors = np.zeros(voters[-1] + 1 if len(voters) else 0, np.int64)
        anchors[voters[shared]] = steps[shared]
        distance = steps - anchors[voters]
        counts = self.recipe.ahead ** np.maximum(np.abs(distance) - 1.0, 0.0)
        counts[distance < 0] *= self.recipe.behind
        counts[shared] *= self.recipe.repeat
        return np.asarray(counts, np.float64)


@dataclass(frozen=True)
class _Votes:
    """`parts` (products of the session, neighbours) add up to how near each neighbour is.

    Each vote has its neighbour in `voters`, its product in `items`, and what it counts in `counts`.
    """

    parts: Floats
    voters: NDArray[np.int64]
    items: Codes
    counts: Floats


def _largest(values: Floats, most: int) -> Mask:
    """The `most` largest, and those equal to the least of them but for rounding, so that no order decides."""
    if len(values) <= most:
        return np.ones(len(values), bool)
    return np.asarray(values >= np.partition(values, len(values) - most)[len(values) - most] * (1 - 1e-9))
