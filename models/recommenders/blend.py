"""Blend: several recommenders vote at once, each with the share of the votes that it has earned on later days.

Which source is right depends on the shop and on the moment: a visitor who keeps returning to three products wants them
again, one on his second page wants what others saw next. So shares are learned from what visitors did in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.catalogue import Catalogue
from models.recommenders import combinator
from models.recommenders.base import Interactions, Query, Ranking, Recommender
from models.recommenders.mixture import Moments, shares
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.replay import replay
from models.recommenders.sequence_rules import SequenceRules
from models.recommenders.session_knn import SessionKNN
from models.recommenders.sessions import CurrentSession
from models.recommenders.top_k import Best, allowed, best
from models.recommenders.vocabulary import Vocabulary

_SITUATIONS = 9


@dataclass(frozen=True)
class Blend(combinator.Combined):
    """Every source names its `depth` best products. It has two voices, which each spread one vote over them: one in
    proportion to its scores, one to 1 / (`evenness` + rank), as reciprocal rank fusion (Cormack, Clarke and Büttcher,
    SIGIR 2009). A product's score is the sum of its votes times the voices' shares.

    Shares are learned on the last `held_out` part of the interactions, from `cases` moments at most, by sources that
    were fitted on what was before. A share is its own for each situation (how many steps the current session has, and
    whether it came back to a product), pulled to the share over all situations with the weight of `prior` cases. Given
    `weights`, one a source, nothing is learned, and all is by rank. With sources that agree on most products a large
    `evenness`, 10 or more, does best: then it counts that several name a product, and less who has it first.
    """

    name: ClassVar[str] = "blend"
    sources: tuple[Recommender, ...] = (RecentlyViewed(), SequenceRules(), SessionKNN())
    weights: tuple[float, ...] | None = None
    evenness: float = 1.0
    depth: int = 100
    gap_days: float = 0.5
    held_out: float = 0.1
    cases: int = 5_000
    prior: float = 50.0

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a blend needs at least one source, e.g. Blend((SequenceRules(), SessionKNN()))")
        if self.weights is not None and (len(self.weights) != len(self.sources) or min(self.weights) < 0):
            raise ValueError(f"weights={self.weights}; give {len(self.sources)} that are not negative, one a source")
        if self.evenness < 0:
            raise ValueError(f"evenness={self.evenness}; use 0 or more, e.g. 1, or 10 for sources that agree on most")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out={self.held_out}; use a part between 0 and 1, 0.1 is enough for most shops")

    def fit_over(self, sources: combinator.Fitted, interactions: Interactions) -> "FittedBlend":
        """Learn the shares by looking back: what would the sources have said before the last part?"""
        even = np.full((_SITUATIONS, 2 * len(sources)), 1 / (2 * len(sources)))
        if self.weights is not None:
            even[:, : len(sources)], even[:, len(sources) :] = 0, self.weights
            return FittedBlend(self, sources, even)
        cases = replay(interactions, self.held_out, self.cases)
        earlier = tuple(combinator.fit(source, cases.before) for source in self.sources)
        judge = FittedBlend(self, earlier, even)
        votes, taken, situations = [], [], []
        for query, chosen in zip(cases.queries, cases.taken, strict=True):
            codes, given = judge.votes(query, None)
            for row in np.flatnonzero(np.isin(codes, chosen)).tolist():
                votes.append(given)
                taken.append(row)
                situations.append(judge.situation(query))
        moments = Moments.of(votes, taken, situations, even.shape[1])
        return FittedBlend(self, sources, shares(moments, _SITUATIONS, self.prior))

    def restore_over(self, sources: combinator.Fitted, arrays: dict[str, NDArray[Any]]) -> "FittedBlend":
        """The fitted model over restored sources."""
        return FittedBlend(self, sources, arrays["shares"])


@dataclass(frozen=True)
class FittedBlend(combinator.FittedCombined):
    """`shares` (situations, voices): first the sources' voices by score, then those by rank.

    An answer names the source that gave the product most of its score. Scores are shares of what is allowed.
    """

    recipe: Blend
    sources: combinator.Fitted
    shares: Floats
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=Blend.name, init=False)

    def __post_init__(self) -> None:
        combinator.one_shop(self.sources)
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k products with the highest scores among the `depth` best allowed ones of each source."""
        answers = []
        for row, query in enumerate(queries):
            codes, votes = self.votes(query, allowed(allow, row, len(self.item_ids)))
            answers.append((codes, votes * self.shares[self.situation(query)]))
        return self._ranking(answers, k)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """What the sources find near, with the shares of a session's first step."""
        answers = []
        for row, id_ in enumerate(item_ids):
            mask = allowed(allow, row, len(self.item_ids))
            codes, votes = self._counted([source.similar([id_], self.recipe.depth, mask) for source in self.sources])
            answers.append((codes, votes * self.shares[1]))
        return self._ranking(answers, k)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """What each source gave an item, shared out over the history as that source says."""
        codes, votes = self.votes(query, None)
        given = _by_source(votes * self.shares[self.situation(query)])
        wanted = self.vocabulary.codes(item_ids)
        place = np.searchsorted(codes, wanted)
        place[place == len(codes)] = 0
        told = np.flatnonzero(codes[place] == wanted) if len(codes) else np.empty(0, np.int64)
        added = np.zeros((len(query.history_ids), len(wanted)))
        for column, source in enumerate(self.sources):
            parts = source.contributions(query, [item_ids[item] for item in told.tolist()])
            totals = parts.sum(axis=0)
            scale = np.divide(given[place[told], column], totals, where=totals > 0, out=np.zeros(len(told)))
            added[:, told] += parts * scale
        return added

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """The shares."""
        return {"shares": self.shares}

    def over(self, sources: combinator.Fitted, catalogue: Catalogue) -> "FittedBlend":  # noqa: ARG002
        """The same shares over other sources."""
        return FittedBlend(self.recipe, sources, self.shares)

    def situation(self, query: Query) -> int:
        """0 without a current session; else 1 to 4 for its steps, and 4 more when it came back to a product."""
        codes = self.vocabulary.codes(query.history_ids)
        session = CurrentSession.of(query, codes, self.vocabulary.codes(query.context_ids), self.recipe.gap_days)
        steps = int(session.ages.max(initial=-1)) + 1
        returned = len(np.unique(session.products)) < len(session.products)
        return min(steps, 4) + 4 * returned

    def votes(self, query: Query, allow: Mask | None) -> tuple[NDArray[np.int64], Floats]:
        """The codes of all products that a source names, rising, and the votes of each voice (products, voices)."""
        return self._counted([source.recommend([query], self.recipe.depth, allow) for source in self.sources])

    def _counted(self, rankings: Sequence[Ranking]) -> tuple[NDArray[np.int64], Floats]:
        counts = [int(np.isfinite(ranking.scores[0]).sum()) for ranking in rankings]
        named = [self.vocabulary.codes(found.ids[0, :count]) for found, count in zip(rankings, counts, strict=True)]
        codes, places = np.unique(np.concatenate(named).astype(np.int64), return_inverse=True)
        votes, start = np.zeros((len(codes), 2 * len(rankings))), 0
        for voice, (found, count) in enumerate(zip(rankings, counts, strict=True)):
            rows = places[start : start + count]
            votes[rows, voice] = _spread(found.scores[0, :count])
            votes[rows, voice + len(rankings)] = _spread(1 / (self.recipe.evenness + np.arange(1.0, count + 1)))
            start += count
        return codes, votes

    def _ranking(self, answers: Sequence[tuple[NDArray[np.int64], Floats]], k: int) -> Ranking:
        shape = (len(answers), k)
        ids, sources = np.full(shape, None, object), np.full(shape, None, object)
        scores = np.full(shape, -np.inf)
        names = np.array([source.name for source in self.sources], object)
        for row, (codes, given) in enumerate(answers):
            totals = given.sum(axis=1)
            top: Best = best(np.where(totals > 0, totals, -np.inf), k)
            count = len(top.codes)
            ids[row, :count], scores[row, :count] = self.item_ids[codes[top.codes]], top.scores
            sources[row, :count] = names[_by_source(given[top.codes]).argmax(axis=1)]
        return Ranking(ids, scores, sources)


def _by_source(given: Floats) -> Floats:
    """Both voices of each source together."""
    count = given.shape[1] // 2
    return given[:, :count] + given[:, count:]


def _spread(scores: Floats) -> Floats:
    """One vote in proportion to scores; where they may be negative, to what they are above the least."""
    lifted = scores if not len(scores) or scores[-1] > 0 else scores - scores[-1]
    total = lifted.sum()
    return lifted / total if total > 0 else np.full(len(scores), 1 / max(len(scores), 1))
