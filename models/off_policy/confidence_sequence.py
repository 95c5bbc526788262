"""A comparison that may be looked at after every customer: intervals that hold at all times at once.

The normal mixture of Robbins (1970) in its asymptotic form for any mean (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas,
2021): where a fixed 95 % interval, looked at daily, excludes the truth sooner or later, this one does so 5 times in 100
over the whole future.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats

EARLIEST = 200
"""Before that many entries the law of large numbers has not yet a say, and nothing is excluded."""


@dataclass(frozen=True)
class Sequence:
    """Means and the ends of their intervals, after each entry; infinite before the `EARLIEST`."""

    means: Floats
    low: Floats
    high: Floats


def normal_mixture(entries: Floats, level: float = 0.95, tightest: int = 5_000) -> Sequence:
    """The sequence of two-sided intervals of the mean of `entries`, in the order in which they came.

    `tightest` is after how many entries the interval is meant to be tightest.

    >>> found = normal_mixture(np.tile([0.0, 1.0], 1_000))
    >>> bool(found.low[-1] < 0.5 < found.high[-1]), bool(np.isinf(found.high[0]))
    (True, True)
    """
    if not 0 < level < 1 or tightest < 1:
        raise ValueError("a level lies between 0 and 1, and the sequence is tightest after at least one entry")
    n = np.arange(1, len(entries) + 1)
    means = np.cumsum(entries) / n
    spread = np.maximum(np.cumsum(entries**2) / n - means**2, 0.0)
    alpha = 1 - level
    scale = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / tightest
    grown = n * scale + 1
    width = np.sqrt(spread * grown / (n**2 * scale) * np.log(grown / alpha**2))
    width = np.where(n < EARLIEST, np.inf, width)
    return Sequence(means, means - width, means + width)
