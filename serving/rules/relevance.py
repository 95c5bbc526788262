"""How much an item matters, from 0 to 1, so that boosting, diversity and a minimum mean the same for every model."""

from collections.abc import Hashable, Sequence

import numpy as np

from models.arrays import Floats
from serving.rules.rules import MinRelevance

LEAST: dict[MinRelevance, float] = {"low": 0.05, "medium": 0.2, "high": 0.5}
"""The least share of its source's best score that an item must have.

Of the first 100 of RP3beta for a customer of Complete Journey (median) `low` keeps all, `medium` 19 and `high` 4; for
one customer in ten `low` keeps 36 at most.
"""

_FAINTEST = 0.01


def share_of_best(scores: Floats, sources: Sequence[Hashable]) -> Floats:
    """Each score as a share of the best one of the same source, since scores compare within one source only.

    One recommender that was asked two things is two sources.

    The share counts from zero; for a source with scores below zero, from its lowest one.

    >>> share_of_best(np.array([4.0, 1.0, -2.0, -6.0]), ["als", "als", "content", "content"]).tolist()
    [1.0, 0.25, 1.0, 0.0]
    """
    share = np.ones(len(scores))
    for one in set(sources):
        own = np.array([source == one for source in sources], bool)
        floor = min(0.0, scores[own].min())
        height = scores[own].max() - floor
        if height > 0:
            share[own] = (scores[own] - floor) / height
    return share


def never_rising(share: Floats) -> Floats:
    """The relevance in the order of the model, which stands: a fallback begins where it takes over.

    Nothing is below 0.01, so that a boost moves everything.

    >>> never_rising(np.array([1.0, 0.25, 1.0, 0.0])).tolist()
    [1.0, 0.25, 0.25, 0.01]
    """
    return np.minimum.accumulate(np.maximum(share, _FAINTEST))
