"""TwoStage: several recommenders propose, a ranker that learned from past weeks decides.

What people take next depends on more than any one model sees: how often and how lately they had it, how regularly, what
else they have in its category, whether it sells now. The sources narrow the catalogue to some dozens of candidates;
gradient-boosted trees order them. Covington, Adams and Sargin, "Deep neural networks for YouTube recommendations"
(RecSys 2016) for the two stages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arrays import Floats, Mask
from models.booster import Booster, Trees
from models.catalogue import Catalogue
from models.compiled import compiled
from models.recommenders import combinator
from models.recommenders.base import Interactions, Query, Ranking, Recommender
from models.recommenders.candidates import Candidates
from models.recommenders.fallback import Fallback, FittedFallback
from models.recommenders.own_history import OwnHistories
from models.recommenders.past_questions import PastQuestion, past_questions
from models.recommenders.popularity import Popularity
from models.recommenders.product_facts import ProductFacts
from models.recommenders.ranker import Ranker
from models.recommenders.ranker_features import Columns, Matrix
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.scorer import Scorer, Voice
from models.recommenders.timelines import Places
from models.recommenders.top_k import best
from models.recommenders.vocabulary import Vocabulary

Lesson = tuple[Matrix, Mask]
"""The candidates of a past question (candidates, columns), and which of them were wanted."""

_COMPILER = 40_000_000
"""Resident once numba has compiled what a ranking computes."""

_TOGETHER = 32
"""Queries that are ranked at once: with more of them the arrays no longer fit into the cache."""


@dataclass(frozen=True)
class TwoStage(combinator.Combined):
    """The `depth` best of the first of `sources` and the `others` best of each other are candidates; trees order them.

    They learn from `windows` past stretches of `horizon` days: sources fitted on what was before each, the histories of
    that day (their latest `history` entries), and what was then taken; of at most `questions` customers, so that time
    and memory do not grow with the shop. Candidates are drawn twice, from all products and from those new to the
    customer, so that the same trees serve pages that repeat and pages that do not. Until there is a past to learn from,
    and for a visitor without history, the sources answer one after another.
    """

    name: ClassVar[str] = "two_stage"
    sources: tuple[Recommender, ...] = (RP3Beta(), Popularity())
    depth: int = 80
    others: int = 20
    horizon: float = 28.0
    windows: int = 2
    history: int = 500
    questions: int = 4_000
    trees: int = 100
    leaves: int = 31
    learning_rate: float = 0.08
    smallest_leaf: int = 100
    column_share: float = 0.6
    l2: float = 10.0
    seed: int = 7

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a ranker needs at least one source, e.g. TwoStage((RP3Beta(), Popularity()))")
        if min(self.depth, self.others, self.windows, self.questions) < 1 or self.horizon <= 0:
            raise ValueError(
                f"depth={self.depth}, others={self.others}, windows={self.windows}, horizon={self.horizon}, "
                f"questions={self.questions}: a ranker needs candidates and a past; use Fallback to do without"
            )

    def fit_over(self, sources: combinator.Fitted, interactions: Interactions) -> "FittedTwoStage":
        """Ask the past, and learn from its answers. Each window costs a fit of all sources."""
        newest = float(np.floor(interactions.days.max(initial=-np.inf))) + 1
        # An import that ended long ago has its last weeks then, not now.
        end = interactions.until if interactions.until - newest < self.horizon else newest
        windows = [self._window(interactions, end - back * self.horizon) for back in range(1, self.windows + 1)]
        lessons = [lesson for window in windows for lesson in window]
        wanted = np.concatenate([np.empty(0, bool), *(each for _, each in lessons)])
        booster = None
        if wanted.any() and not wanted.all():
            booster = self._trees().grown(np.concatenate([rows for rows, _ in lessons]), wanted)
        return FittedTwoStage(self, sources, ProductFacts.of(interactions), booster)

    def bytes_needed(self, interactions: Interactions) -> int:
        """Measured: 100 bytes an interaction while sources are fitted on the past, 544 a candidate of a question, and
        what the compiler of their features takes."""
        depths = self.depth + self.others * (len(self.sources) - 1)
        return _COMPILER + 100 * len(interactions.items) + 544 * self.questions * 2 * depths

    def way_out(self, interactions: Interactions, memory: int) -> str:
        """Fewer questions, as far as these are what is large."""
        depths = self.depth + self.others * (len(self.sources) - 1)
        fits = (memory - _COMPILER - 100 * len(interactions.items)) // (1088 * depths)
        return f"take questions={fits}" if fits >= 100 else "train on fewer days, or on a machine with more memory"

    def restore_over(self, sources: combinator.Fitted, arrays: dict[str, NDArray[Any]]) -> "FittedTwoStage":
        """Over restored sources."""
        booster = Booster(arrays["booster"]) if len(arrays["booster"]) else None
        return FittedTwoStage(self, sources, ProductFacts.restored(arrays), booster)

    def _window(self, interactions: Interactions, day: float) -> list[Lesson]:
        """What was asked on `day`, answered by how it went on; nothing without interactions before it."""
        past = interactions.before(day)
        if not len(past.items):
            return []
        fitted = combinator.fit_all(self.sources, past)
        model = FittedTwoStage(self, tuple(fitted[source] for source in self.sources), ProductFacts.of(past), None)
        most = -(-self.questions // self.windows)
        questions = past_questions(
            interactions, day, self.horizon, self.history, most, np.random.default_rng(self.seed)
        )
        return [model.lesson(question) for question in questions]

    def _trees(self) -> Trees:
        return Trees(
            self.trees, self.leaves, self.learning_rate, self.smallest_leaf, self.column_share, self.l2, self.seed
        )


@dataclass(frozen=True)
class FittedTwoStage(combinator.FittedCombined):
    """Answers name the first source that speaks for them, whose contributions are the reason; scores are
    probabilities and compare across all of a row."""

    recipe: TwoStage
    sources: combinator.Fitted
    facts: ProductFacts
    booster: Booster | None
    ranker: Ranker | None = field(default=None, repr=False, compare=False)
    scorers: tuple[Scorer, ...] = field(init=False, repr=False, compare=False)
    voices: tuple[Voice, ...] = field(init=False, repr=False, compare=False)
    columns: Columns = field(init=False, repr=False, compare=False)
    chain: FittedFallback = field(init=False, repr=False, compare=False)
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    name: str = field(default=TwoStage.name, init=False)

    def __post_init__(self) -> None:
        scorers = []
        for source in self.sources:
            if isinstance(source, Scorer):
                scorers.append(source)
            else:
                raise ValueError(
                    f"{source.name} scores only its best products, and a ranker asks for all; put it behind a Fallback"
                )
        object.__setattr__(self, "scorers", tuple(scorers))
        object.__setattr__(self, "voices", tuple(map(Voice.of, scorers)))
        ranker, columns = self.ranker, Columns(self.facts, len(scorers))
        if ranker is None or ranker.booster is not self.booster or ranker.columns.facts is not self.facts:
            ranker = None if self.booster is None else Ranker(self.booster, columns)
        object.__setattr__(self, "ranker", ranker)
        object.__setattr__(self, "columns", columns if ranker is None else ranker.columns)
        object.__setattr__(self, "chain", FittedFallback(Fallback(self.recipe.sources), self.sources))
        object.__setattr__(self, "vocabulary", Vocabulary(self.item_ids))

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k candidates with the highest scores; what the sources say, one after another, without a history."""
        found = _nothing(len(queries), k)
        ranked = [self.ranks(query) for query in queries]
        for ranks, answer in ((True, self._ranked), (False, self.chain.recommend)):
            rows = [row for row, its in enumerate(ranked) if its is ranks]
            for start in range(0, len(rows), _TOGETHER):
                some = rows[start : start + _TOGETHER]
                mask = allow if allow is None or allow.ndim == 1 or len(some) == len(queries) else allow[some]
                part = answer([queries[row] for row in some], k, mask)
                if len(some) == len(queries):
                    return part
                found.ids[some], found.scores[some], found.sources[some] = part.ids, part.scores, part.sources
        return found

    def _ranked(self, queries: Sequence[Query], k: int, allow: Mask | None) -> Ranking:
        """In the order of the trees, which look at the candidates of all `queries` at once."""
        found = _nothing(len(queries), k)
        candidates = Candidates.of(queries, self.voices, self._depths, allow, len(self.item_ids))
        if self.ranker is None or not len(candidates.codes):
            return found
        chances = expit(self.ranker.odds(candidates, self._histories(queries)))
        rows, columns, best_ones = _in_order(chances, candidates.owners, k)
        names = np.array([source.name for source in self.sources], object)
        found.ids[rows, columns] = self.item_ids[candidates.codes[best_ones]]
        found.scores[rows, columns] = chances[best_ones]
        found.sources[rows, columns] = names[np.isfinite(candidates.scores[:, best_ones]).argmax(axis=0)]
        return found

    def ranks(self, query: Query) -> bool:
        """Whether the trees order the answer; without them or a known history the sources give it one after another."""
        return self.booster is not None and bool((self.vocabulary.codes(query.history_ids) >= 0).any())

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """What the sources hold similar, one after another."""
        return self.chain.similar(item_ids, k, allow)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Those of the first source that has a reason: why an item was proposed. They do not sum to its score."""
        return self.chain.contributions(query, item_ids)

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """Facts and trees."""
        text = np.empty(0, np.uint8) if self.booster is None else self.booster.text
        return {**self.facts.arrays(), "booster": text}

    def over(self, sources: combinator.Fitted, catalogue: Catalogue) -> "FittedTwoStage":
        """The same trees over other sources."""
        facts = self.facts.extended(self.item_ids, catalogue)
        ranker = self.ranker.over(facts) if self.ranker else None
        return FittedTwoStage(self.recipe, sources, facts, self.booster, ranker)

    def lesson(self, question: PastQuestion) -> Lesson:
        """The candidates of `question`, among all products and among those that were new, and how it went on."""
        said = [source.scores(question.query) for source in self.scorers]
        proposed = []
        for scores, depth in zip(said, self._depths, strict=True):
            # Deep enough to hold the best new ones too, which saves a second search through all products.
            codes = best(scores, depth + len(question.seen)).codes
            proposed += [codes[:depth], codes[~np.isin(codes, question.seen)][:depth]]
        codes = np.unique(np.concatenate(proposed))
        candidates = Candidates(
            np.zeros(len(codes), np.int64),
            codes,
            np.stack([scores[codes] for scores in said]),
            np.array([[scores.max(initial=-np.inf)] for scores in said]),
        )
        return self.columns.matrix(candidates, self._histories([question.query])), np.isin(codes, question.wanted)

    def _histories(self, queries: Sequence[Query]) -> OwnHistories:
        codes = [self.vocabulary.codes(query.history_ids) for query in queries]
        return OwnHistories.of(queries, codes, len(self.item_ids))

    @property
    def _depths(self) -> tuple[int, ...]:
        return (self.recipe.depth, *(self.recipe.others for _ in self.sources[1:]))


def _nothing(count: int, k: int) -> Ranking:
    shape = (count, k)
    return Ranking(np.full(shape, None, object), np.full(shape, -np.inf), np.full(shape, None, object))


@compiled
def _in_order(chances: Floats, owners: Places, k: int) -> tuple[Places, Places, Places]:
    """Query, rank and place of the k highest of each query, whose candidates stand together; ties as they stand."""
    rows, ranks, found = (
        np.empty(len(owners), np.int64),
        np.empty(len(owners), np.int64),
        np.empty(len(owners), np.int64),
    )
    count = begin = 0
    while begin < len(owners):
        end = begin
        while end < len(owners) and owners[end] == owners[begin]:
            end += 1
        order = np.argsort(-chances[begin:end], kind="mergesort")[:k]
        for rank in range(len(order)):
            rows[count], ranks[count], found[count] = owners[begin], rank, begin + order[rank]
            count += 1
        begin = end
    return rows[:count], ranks[:count], found[:count]
