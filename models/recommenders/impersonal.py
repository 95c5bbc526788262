"""Answers in which the visitor has no part: one score a product, the same for everybody."""

from collections.abc import Sequence

import numpy as np

from models.arrays import Floats, Ids, Mask, codes_of
from models.recommenders.base import Ranking
from models.recommenders.top_k import allowed, best, ranking


def for_everybody(scores: Floats, count: int, k: int, allow: Mask | None, item_ids: Ids, source: str) -> Ranking:
    """The k best of `scores` (items,), -inf for what is no answer, in each of `count` rows.

    >>> for_everybody(np.array([1.0, 2.0]), 1, 1, None, np.array(["a", "b"], object), "new").row(0)
    [('b', 2.0, 'new')]
    """
    if allow is None or allow.ndim == 1:
        answers = [best(scores, k, allowed(allow, 0, len(scores)))] * count
    else:
        answers = [best(scores, k, allowed(allow, row, len(scores))) for row in range(count)]
    return ranking(answers, k, item_ids, source)


def for_companions(
    scores: Floats, asked: Sequence[str], k: int, allow: Mask | None, item_ids: Ids, source: str
) -> Ranking:
    """The k best products but the one that each row asks about; none for a product that is not known."""
    answers = []
    for row, code in enumerate(codes_of(asked, item_ids)):
        others = scores.copy() if code >= 0 else np.full(len(item_ids), -np.inf)
        others[code : code + 1] = -np.inf
        answers.append(best(others, k, allowed(allow, row, len(item_ids))))
    return ranking(answers, k, item_ids, source)
