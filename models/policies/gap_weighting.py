"""Inverse-gap weighting: the further an action is behind the best, the less often it is tried.

Foster and Rakhlin, "Beyond UCB: optimal and efficient contextual bandits with regression oracles" (ICML 2020), after
Abe and Long (1999). Whatever estimates the values, the probabilities are exact and cheap.
"""

import numpy as np

from models.arrays import Floats
from models.policies.eligible import Eligible, Starts


def gap_weighted(values: Floats, eligible: Eligible, sharpness: Floats | float) -> Floats:
    """`1 / (actions + sharpness * gap)` for each row behind the best of its decision; the best share the rest.

    `values` (rows) are estimates and a gap is how far one is below the best; `sharpness` (rows, or one for all) turns
    gaps into odds: infinite would be greedy, 0 is uniform.

    >>> choices = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> gap_weighted(np.array([0.0, 0.5]), choices, sharpness=16.0).tolist()
    [0.1, 0.9]
    """
    return weighted_among(values, eligible.decisions, sharpness)


def weighted_among(values: Floats, of: Starts, sharpness: Floats | float) -> Floats:
    """The same, where `of` (rows) says, by numbers from 0 on, whose choice each of the values is."""
    count = int(of.max()) + 1
    gaps = most_of(values, of, count)[of] - values
    behind = gaps > 0
    odds = np.where(behind, 1.0 / (np.bincount(of)[of] + sharpness * gaps), 0.0)
    rest = (1.0 - np.bincount(of, odds)) / np.bincount(of, ~behind)
    weighted: Floats = np.where(behind, odds, rest[of])
    return weighted


def most_of(values: Floats, of: Starts, count: int) -> Floats:
    """The largest of the values of each of `count` numbers in `of`."""
    most = np.full(count, -np.inf)
    np.maximum.at(most, of, values)
    return most
