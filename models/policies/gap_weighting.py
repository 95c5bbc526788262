"""Inverse-gap weighting: the further an action is behind the best, the less often it is tried.

Foster and Rakhlin, "Beyond UCB: optimal and efficient contextual bandits with regression oracles" (ICML 2020), after
Abe and Long (1999). Whatever estimates the values, the probabilities are exact and cheap.
"""

import numpy as np

from models.arrays import Floats
from models.policies.eligible import Eligible


def gap_weighted(values: Floats, eligible: Eligible, sharpness: Floats | float) -> Floats:
    """`1 / (actions + sharpness * gap)` for each row behind the best of its decision; the best share the rest.

    `values` (rows) are estimates and a gap is how far one is below the best; `sharpness` (rows, or one for all) turns
    gaps into odds: infinite would be greedy, 0 is uniform.

    >>> choices = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> gap_weighted(np.array([0.0, 0.5]), choices, sharpness=16.0).tolist()
    [0.1, 0.9]
    """
    decisions = eligible.decisions
    gaps = eligible.most(values)[decisions] - values
    behind = gaps > 0
    odds = np.where(behind, 1.0 / (eligible.counts[decisions] + sharpness * gaps), 0.0)
    rest = (1.0 - eligible.total(odds)) / eligible.total((~behind).astype(np.float64))
    return np.where(behind, odds, rest[decisions])
