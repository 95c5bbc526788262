"""Log-logistic renewal: like the log-normal, with heavier tails.

A week overdue, then, says less than the log-normal believes: shopping lists are not kept that well.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from models.arrays import Floats
from models.time_to_event.closed_form import Formula, Shrunk
from models.time_to_event.renewal import OF_UNITS, START, history, renewal


def _tail(distance: Floats) -> Floats:
    return np.asarray(expit(-_UNIT * distance), np.float64)


_UNIT = np.pi / np.sqrt(3.0)
"""A logistic distribution has this standard deviation."""


@dataclass(frozen=True)
class LogLogistic(Shrunk):
    """Intervals of a pair are log-logistic with a mean and a variance of its own, shrunk towards its unit."""

    name: ClassVar[str] = "log_logistic"
    formula: ClassVar[Formula] = Formula(renewal(_tail), history, START, OF_UNITS)
