"""The chance of each action to be the best, when each value is known by a distribution of its own."""

from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import ndtr

from models.arrays import Floats
from models.policies.eligible import Eligible

_NODES = 32
_AT_ONCE = 4_000_000
"""Numbers in memory at once."""


def best_of_normals(means: Floats, deviations: Floats, eligible: Eligible) -> Floats:
    """P(this one is the largest), for each row, values being independent normals; sums to 1 for each decision.

    By Gauss-Hermite quadrature over the row's own value: the product of the chances that each other one is below.

    >>> two = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> best_of_normals(np.array([0.0, 1.0]), np.ones(2), two).round(3).tolist()  # exactly: ndtr(-1 / sqrt(2)) = 0.240
    [0.24, 0.76]
    """
    nodes, weights = _rule()
    mean, deviation = eligible.padded(means), eligible.padded(deviations)
    there = eligible.padded(np.ones(len(means))) > 0
    count = mean.shape[1]
    step = max(1, _AT_ONCE // (count * count * _NODES))
    found = np.empty_like(mean)
    for start in range(0, len(mean), step):
        part = slice(start, start + step)
        at = mean[part, :, None] + deviation[part, :, None] * nodes  # (decisions, actions, nodes)
        below = np.ones_like(at)
        for other in range(count):
            apart = at - mean[part, other, None, None]
            chance = ndtr(apart / np.where(there[part, other], deviation[part, other], 1.0)[:, None, None])
            chance[:, other] = 1.0
            below *= np.where(there[part, other, None, None], chance, 1.0)
        found[part] = (below * weights).sum(axis=2)
    rows = found[there]
    return np.asarray(rows / eligible.total(rows)[eligible.decisions], np.float64)


@cache
def _rule() -> tuple[Floats, Floats]:
    """Nodes and weights for a standard normal, the latter up to a factor."""
    nodes, weights = hermegauss(_NODES)
    return np.asarray(nodes, np.float64), np.asarray(weights, np.float64)
