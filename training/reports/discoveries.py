"""Which groups differ from everybody else, of many that are looked at: exact tests, and false discoveries bounded.

Of whatever is called different here, 5 % is expected to be so by chance at most (Benjamini and Hochberg, JRSS B 1995),
also where groups share customers.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, hypergeom

from models.arrays import Floats, Mask

Counts = NDArray[np.int64]
LEVEL = 0.05


def p_values(successes: Counts, trials: Counts, all_successes: int, all_trials: int) -> Floats:
    """Of each group against all that are not in it: Fisher's exact test, both sides, each doubled.

    >>> p_values(np.array([9, 5]), np.array([10, 10]), 50, 100).round(3).tolist()
    [0.016, 1.0]
    """
    law = hypergeom(all_trials, all_successes, trials)
    tail = np.minimum(law.cdf(successes), law.sf(successes - 1))
    return np.asarray(np.minimum(2 * tail, 1.0), np.float64)


def discoveries(p: Floats) -> Mask:
    """Which of the hypotheses are rejected at a false discovery rate of 5 %."""
    if not len(p):
        return np.zeros(0, bool)
    return np.asarray(false_discovery_control(p) <= LEVEL, bool)
