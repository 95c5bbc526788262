"""Fallback: ask the first recommender, and let the next one fill what it leaves open. Nobody gets an empty page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.catalogue import Catalogue
from models.recommenders import combinator
from models.recommenders.base import Interactions, Query, Ranking, Recommender
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.top_k import allowed


@dataclass(frozen=True)
class Fallback(combinator.Combined):
    """Recommenders in order of trust, fitted on the same interactions."""

    name: ClassVar[str] = "fallback"
    sources: tuple[Recommender, ...] = (RP3Beta(), Popularity())

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a fallback needs at least one source, e.g. Fallback((RP3Beta(), Popularity()))")

    def fit_over(self, sources: combinator.Fitted, interactions: Interactions) -> "FittedFallback":  # noqa: ARG002
        """There is nothing to learn beside the sources."""
        return FittedFallback(self, sources)

    def restore_over(self, sources: combinator.Fitted, arrays: dict[str, NDArray[Any]]) -> "FittedFallback":  # noqa: ARG002
        """Over restored sources."""
        return FittedFallback(self, sources)


@dataclass(frozen=True)
class FittedFallback(combinator.FittedCombined):
    """Each answer names the source it came from; its score compares within that source only."""

    recipe: Fallback
    sources: combinator.Fitted
    name: str = field(default=Fallback.name, init=False)

    def __post_init__(self) -> None:
        combinator.one_shop(self.sources)

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The first source's answers, then the next one's that are not there yet, up to k."""
        answer = self.sources[0].recommend(queries, k, allow)
        for source in self.sources[1:]:
            for row in _open(answer):
                mask = self._without(answer, row, allow)
                _append(answer, row, source.recommend([queries[row]], k, mask))
        return answer

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """As `recommend`; an unknown product gets an empty row from every source."""
        answer = self.sources[0].similar(item_ids, k, allow)
        for source in self.sources[1:]:
            for row in _open(answer):
                mask = self._without(answer, row, allow)
                _append(answer, row, source.similar([item_ids[row]], k, mask))
        return answer

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Those of the first source in which the history says anything for the item, zeros where none does."""
        added = self.sources[0].contributions(query, item_ids)
        for source in self.sources[1:]:
            silent = np.flatnonzero(~added.any(axis=0)).tolist()
            if not silent:
                break
            added[:, silent] = source.contributions(query, [item_ids[column] for column in silent])
        return added

    def over(self, sources: combinator.Fitted, catalogue: Catalogue) -> "FittedFallback":  # noqa: ARG002
        """The same order of trust over other sources."""
        return FittedFallback(self.recipe, sources)

    def _without(self, answer: Ranking, row: int, allow: Mask | None) -> Mask:
        mask = allowed(allow, row, len(self.item_ids))
        mask = np.ones(len(self.item_ids), bool) if mask is None else mask.copy()
        ids = answer.ids[row]
        mask[np.searchsorted(self.item_ids, ids[: _count(answer, row)])] = False
        return mask


def _count(answer: Ranking, row: int) -> int:
    return int(np.isfinite(answer.scores[row]).sum())


def _open(answer: Ranking) -> list[int]:
    """Rows that have room; padding is at their end."""
    return [row for row in range(len(answer.scores)) if _count(answer, row) < answer.scores.shape[1]]


def _append(answer: Ranking, row: int, more: Ranking) -> None:
    start = _count(answer, row)
    for mine, its in ((answer.ids, more.ids), (answer.scores, more.scores), (answer.sources, more.sources)):
        mine[row, start:] = its[0, : mine.shape[1] - start]
