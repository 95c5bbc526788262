"""Log-normal renewal: the logarithms of a pair's intervals are normal around its own pace, until it stops.

Bhagat, Muralidharan, Lobzhanidze and Vishwanath, "Buy it again: modeling repeat purchase recommendations" (KDD, 2018)
have one such curve a product; here each customer has one.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from models.arrays import Floats
from models.time_to_event.closed_form import Formula, Shrunk
from models.time_to_event.renewal import OF_UNITS, START, history, renewal


def _tail(distance: Floats) -> Floats:
    return np.asarray(ndtr(-distance), np.float64)


@dataclass(frozen=True)
class LogNormal(Shrunk):
    """Intervals of a pair are log-normal with a mean and a variance of its own, shrunk towards its unit."""

    name: ClassVar[str] = "log_normal"
    formula: ClassVar[Formula] = Formula(renewal(_tail), history, START, OF_UNITS)
