"""What the models found, as arrays: which of it may stand in the answer, and how much each weighs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np

from models.arrays import Codes, Floats, Mask
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.page import Page
from serving.rules.rejected import rejection
from serving.rules.relevance import LEAST, never_rising, share_of_best
from serving.rules.rules import Rules


class Candidate(NamedTuple):
    """A product as a recommender (`source`) found it, asked at the `stage`-th place of the placement."""

    item_id: str
    score: float
    source: str
    stage: int = 0


@dataclass(frozen=True, eq=False)
class Candidates:
    """One entry a product in the order of the models, each product once; `weight` is what the rules make of it."""

    codes: Codes
    scores: Floats
    sources: tuple[str, ...]
    weight: Floats

    @property
    def by_weight(self) -> Codes:
        """The codes, heaviest first; the order of the models breaks ties."""
        return self.codes[np.argsort(-self.weight, kind="stable")]


def weighed(rules: Rules, page: Page, columns: Columns, found: Sequence[Candidate], allowed: Mask) -> Candidates:
    """Those of `found` that are allowed and relevant enough, weighed.

    Relevance counts within a source and stage: what a recommender says of the page and what the same one says of the
    visitor are two scales. A weight is the relevance, times the factor of each boost whose filter the product passes,
    times 1 - rate for each time it was shown in vain, times what its likeness to the rejected leaves.
    """
    first: dict[str, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.item_id, candidate)
    codes = columns.codes(list(first))
    may = (codes >= 0) & allowed[codes]
    kept = list(compress(first.values(), may))
    scores = np.array([candidate.score for candidate in kept], float)
    sources = tuple(candidate.source for candidate in kept)
    share = share_of_best(scores, [(candidate.stage, candidate.source) for candidate in kept])
    enough = share >= (LEAST[rules.min_relevance] if rules.min_relevance else -np.inf)
    codes, scores, sources = codes[may][enough], scores[enough], tuple(compress(sources, enough))
    weight = never_rising(share[enough])
    for boost in rules.boost:
        weight[mask(columns, boost.filter, strict=False)[codes]] *= boost.factor
    if rules.rotation is not None and page.shown:
        times = np.array([page.shown.get(id_, 0) for id_ in columns.item_ids[codes]], np.int64)
        weight *= (1.0 - rules.rotation.rate) ** times
    if rules.avoid_rejected:
        weight *= 1.0 - rejection(page, columns, codes)
    return Candidates(codes, scores, sources, weight)
