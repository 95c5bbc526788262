"""A pair's own pace: how long its intervals usually are and how much they vary, each shrunk towards its unit's.

The basis of the models that see regularity: whoever came four times after three weeks is not due tomorrow, and a
fortnight overdue, has stopped.
"""

from collections.abc import Callable

import numpy as np

from models.arrays import Floats
from models.time_to_event.pairs import Pairs
from models.time_to_event.priors import Curve

START = np.array([30.0, 1.0, 1.0, 4.0, 0.15, 1.0])
"""The usual interval in days and the intervals that this belief is worth; the standard deviation of their logarithms
and the intervals that this one is worth; a and b of the chance to stop, as in BG/NBD."""
OF_UNITS = (0, 4)
"""The usual interval and a are a unit's own."""


def history(pairs: Pairs) -> Floats:
    """What suffices besides the silence since: intervals, and mean and variance of their logarithms, 0 where none."""
    own = pairs.columns
    count = own["purchases"] - 1.0
    mean = np.where(count > 0, np.nan_to_num(own["log_mean"]), 0.0)
    return np.stack([count, mean, np.where(count > 1, np.nan_to_num(own["log_variance"]), 0.0)])


def renewal(tail: Callable[[Floats], Floats]) -> Curve:
    """The curve of a model whose log intervals, less their mean and over their deviation, have the survival `tail`."""

    def curve(parameters: Floats, history: Floats, days: Floats) -> Floats:
        usual, weight, deviation, firmness, leave, stay = parameters
        count, mean, variance = history
        centre = (count * mean + weight * np.log(usual)) / (count + weight)
        freedom = np.maximum(count - 1.0, 0.0)
        own = (firmness * deviation**2 + freedom * variance) / (firmness + freedom)
        # The mean is not known exactly either, which widens what is foreseen.
        width = np.sqrt(own * (1.0 + 1.0 / (count + weight)))
        stopped = leave / (leave + stay + np.maximum(count, 1.0) - 1.0)
        with np.errstate(divide="ignore"):
            distance = (np.log(days) - centre) / width
        return np.asarray(stopped + (1.0 - stopped) * tail(distance), np.float64)

    return curve
