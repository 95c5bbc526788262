"""Weibull renewal: whoever is on the way comes ever sooner or ever later, at a pace of its own, until it stops.

A Weibull shape of the department, with a Gamma frailty for each pair (which makes it a Burr distribution): the more
intervals were seen, the less frailty is left. Without the share that stopped it is the accelerated failure time model.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.arrays import Floats
from models.time_to_event.closed_form import Formula, Shrunk
from models.time_to_event.pairs import Pairs

_START = np.array([30.0, 1.0, 1.0, 1.0, 1.0, 0.15, 1.0])
"""The usual interval in days and the intervals that this belief is worth; the shape; what is known of a pair's frailty
before its intervals, and from each of them; a and b of the chance to stop, as in BG/NBD."""
_OF_UNITS = (0, 5)


def history(pairs: Pairs) -> Floats:
    """What suffices besides the silence since: intervals, and the mean of their logarithms, 0 where there is none."""
    count = pairs.columns["purchases"] - 1.0
    return np.stack([count, np.where(count > 0, np.nan_to_num(pairs.columns["log_mean"]), 0.0)])


def curve(parameters: Floats, history: Floats, days: Floats) -> Floats:
    """P(stopped) + P(goes on) (1 + (days / scale)^shape / s)^-s, which is Weibull when s, what is known, is large."""
    usual, weight, shape, known, gain, leave, stay = parameters
    count, mean = history
    centre = (count * mean + weight * np.log(usual)) / (count + weight)
    certainty = known + gain * count
    stopped = leave / (leave + stay + np.maximum(count, 1.0) - 1.0)
    with np.errstate(divide="ignore"):
        power = np.minimum(shape * (np.log(days) - centre), _MOST)
    return np.asarray(stopped + (1.0 - stopped) * np.exp(-certainty * np.log1p(np.exp(power) / certainty)), np.float64)


_MOST = 700.0
"""The exponential of more is infinite."""


@dataclass(frozen=True)
class Weibull(Shrunk):
    """Intervals of a pair are Weibull with a scale of its own, shrunk towards its unit, and the department's shape."""

    name: ClassVar[str] = "weibull"
    formula: ClassVar[Formula] = Formula(curve, history, _START, _OF_UNITS)
