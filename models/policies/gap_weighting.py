"""Inverse-gap weighting: the further an action is behind the best, the less often it is tried.

Foster and Rakhlin, "Beyond UCB: optimal and efficient contextual bandits with regression oracles" (ICML 2020), after
Abe and Long (1999). Whatever estimates the values, the probabilities are exact and cheap.
"""

import numpy as np

from models.arrays import Floats
from models.compiled import compiled
from models.policies.eligible import Eligible, Starts


def gap_weighted(values: Floats, eligible: Eligible, sharpness: Floats | float) -> Floats:
    """`1 / (actions + sharpness * gap)` for each row behind the best of its decision; the best share the rest.

    `values` (rows) are estimates and a gap is how far one is below the best; `sharpness` (rows, or one for all) turns
    gaps into odds: infinite would be greedy, 0 is uniform.

    >>> choices = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> gap_weighted(np.array([0.0, 0.5]), choices, sharpness=16.0).tolist()
    [0.1, 0.9]
    """
    sharp = np.array(np.broadcast_to(np.asarray(sharpness, np.float64), values.shape))
    return weighted_among(values, eligible.decisions, sharp)


@compiled
def weighted_among(values: Floats, of: Starts, sharpness: Floats) -> Floats:
    """The same, where `of` (rows) says, by numbers from 0 on, whose choice each of the values is."""
    count = of.max() + 1
    most, rows, best, tried = np.full(count, -np.inf), np.zeros(count), np.zeros(count), np.zeros(count)
    for row in range(len(values)):
        most[of[row]] = max(most[of[row]], values[row])
        rows[of[row]] += 1
    weighted = np.empty(len(values))
    for row in range(len(values)):
        gap = most[of[row]] - values[row]
        weighted[row] = 1.0 / (rows[of[row]] + sharpness[row] * gap)
        if gap > 0:
            tried[of[row]] += weighted[row]
        else:
            best[of[row]] += 1
    for row in range(len(values)):
        if not most[of[row]] - values[row] > 0:
            weighted[row] = (1.0 - tried[of[row]]) / best[of[row]]
    return weighted
