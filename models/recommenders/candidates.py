"""Candidates: what several recommenders propose to several customers, each seen with the scores of all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask
from models.recommenders.base import Query
from models.recommenders.scorer import Voice
from models.recommenders.timelines import Places
from models.recommenders.top_k import allowed, best


@dataclass(frozen=True)
class Candidates:
    """One entry a candidate, query after query: `owners` is its query and `codes` its product, rising in each query.

    `scores` (sources, candidates) are those of each source, -inf where it says nothing of the product; `highest`
    (sources, queries) are the highest of all products.
    """

    owners: Places
    codes: Places
    scores: Floats
    highest: Floats

    @classmethod
    def of(
        cls, queries: Sequence[Query], voices: Sequence[Voice], depths: Sequence[int], allow: Mask | None, items: int
    ) -> "Candidates":
        """The `depths` best of each source among those allowed; `allow` is None, (items,) or (queries, items)."""
        codes, scores = [], []
        highest = np.empty((len(voices), len(queries)))
        # One query after another, so that its scores of all products stay in the cache until all is read of them.
        for row, said in enumerate(zip(*(voice.scores_of_all(queries) for voice in voices), strict=True)):
            mask = allowed(allow, row, items)
            asked = zip(said, depths, voices, strict=True)
            proposed = np.sort(np.concatenate([best(one, depth, mask, of.silence).codes for one, depth, of in asked]))
            proposed = proposed[np.append(True, proposed[1:] != proposed[:-1])[: len(proposed)]]
            codes.append(proposed)
            scores.append([one[proposed] for one in said])
            highest[:, row] = [one.max(initial=-np.inf) for one in said]
        owners = np.repeat(np.arange(len(queries)), [len(each) for each in codes])
        found = np.empty((len(voices), len(owners)))
        for place, (voice, parts) in enumerate(zip(voices, zip(*scores, strict=True), strict=True)):
            np.concatenate(parts, out=found[place])
            found[place, found[place] <= voice.silence] = -np.inf
        return cls(owners, np.concatenate(codes), found, highest)
