"""A share of the slots shows new products, drawn with known probabilities, so that one can learn from them.

The propensity of a drawn product is the probability that this answer explores it at all, whichever slot it takes and
whatever else is drawn: its share of all draws, with everything but the draw held fixed. It is exact, as systematic
sampling gives each product the probability that it was meant to have (Madow 1949), also when the expected number of
slots is no whole number.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Mask
from serving.rules.candidates import Candidates
from serving.rules.caps import roomy
from serving.rules.columns import Columns
from serving.rules.page import Page
from serving.rules.rules import Explore, Rules

_UNIFORM = 0.5


def explore(
    rules: Rules, page: Page, columns: Columns, found: Candidates, eligible: Mask, pins: Mapping[int, int], limit: int
) -> dict[int, tuple[int, float]]:
    """Code and propensity of what is explored, by position.

    The candidates that would stand in the answer anyway need no exploring. While there are caps at most one product is
    explored: of two, one might leave no room for the other, and the propensity would no longer be what was logged.
    """
    free = [position for position in range(1, limit + 1) if position not in pins]
    if rules.explore is None or not free:
        return {}
    codes = newcomers(rules.explore, page.day, columns, eligible)
    taken = np.array(list(pins.values()), np.int32)
    codes = codes[~np.isin(codes, np.concatenate([taken, found.by_weight[:limit]]))]
    codes = codes[roomy(rules.caps, columns, taken, codes)]
    expected = min(rules.explore.share * limit, len(free), 1.0 if rules.caps else np.inf)
    probabilities = inclusion(weights(columns, codes, found.codes, found.weight), expected)
    drawn = draw(probabilities, np.random.default_rng(page.seed))
    where = positions(len(drawn), free)
    return {
        position: (int(codes[place]), float(probabilities[place])) for position, place in zip(where, drawn, strict=True)
    }


def newcomers(explore: Explore, day: float, columns: Columns, eligible: Mask) -> Codes:
    """The codes of the eligible products that are sold since `max_age_days` or less; who has no `since` is not new."""
    since = columns.numbers["since"]
    return np.flatnonzero(eligible & (since >= day - explore.max_age_days) & (since <= day)).astype(np.int32)


def weights(columns: Columns, codes: Codes, candidates: Codes, relevance: Floats) -> Floats:
    """How much each newcomer is to be preferred: half is alike for all, half follows the departments of the candidates.

    So nobody's chance is zero, and a visitor who wants tea sees new tea rather than new tyres.
    """
    if not len(codes):
        return np.zeros(0)
    department = columns.steps[:, 0]
    mass = np.bincount(department[candidates] + 1, relevance, int(department.max(initial=-1)) + 2)
    mass[0] = 0.0
    own = mass[department[codes] + 1]
    share = own / own.sum() if own.sum() > 0 else np.full(len(codes), 1 / len(codes))
    return np.asarray(_UNIFORM / len(codes) + (1.0 - _UNIFORM) * share)


def inclusion(weights: Floats, expected: float) -> Floats:
    """Probabilities in proportion to `weights`, none above 1, that sum to `expected` or to the number of products.

    >>> inclusion(np.array([8.0, 1.0, 1.0]), 2.0).tolist()
    [1.0, 0.5, 0.5]
    """
    found = np.zeros(len(weights))
    certain = np.zeros(len(weights), bool)
    for _ in range(len(weights)):
        room = min(expected, len(weights)) - certain.sum()
        found = np.where(certain, 1.0, room * weights / max(weights[~certain].sum(), np.finfo(float).tiny))
        if not (found > 1.0).any():
            break
        certain |= found >= 1.0
    return found


def draw(probabilities: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places drawn so that each is among them with its own probability: systematic sampling, one random number.

    >>> draw(np.array([1.0, 0.0, 1.0]), np.random.default_rng(0)).tolist()
    [0, 2]
    """
    ends = np.cumsum(probabilities)
    if not len(ends) or ends[-1] <= 0:
        return np.empty(0, np.int64)
    points = rng.random() + np.arange(np.ceil(ends[-1]))
    drawn = np.searchsorted(ends, points, side="right")
    return np.unique(drawn[drawn < len(ends)])


def positions(count: int, free: Sequence[int]) -> list[int]:
    """Where the drawn ones stand: evenly over the lower half of the free positions, as what is known leads.

    >>> positions(2, range(1, 11))
    [7, 9]
    """
    half = free[len(free) // 2 :] if count <= len(free) - len(free) // 2 else free
    return [half[int((place + 0.5) * len(half) / count)] for place in range(count)]
