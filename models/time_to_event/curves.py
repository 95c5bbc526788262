"""What follows from a survival curve: the likely day, the interval around it, "due within a week"."""

import numpy as np

from models.arrays import Floats
from models.time_to_event.base import FittedTimeToEvent
from models.time_to_event.durations import HORIZON
from models.time_to_event.pairs import Pairs


def daily(model: FittedTimeToEvent, pairs: Pairs, days: int = HORIZON) -> Floats:
    """Survival at the end of each day from 0 to `days`: shape (pairs, days + 1), the first column 1."""
    return model.survival(pairs, np.arange(days + 1, dtype=np.float64))


def due_within(curves: Floats, days: int) -> Floats:
    """The probability of a purchase within `days` days, from curves by day.

    >>> due_within(np.array([[1.0, 0.9, 0.5]]), 2).tolist()
    [0.5]
    """
    return np.asarray(1.0 - curves[:, min(days, curves.shape[1] - 1)])


def quantile(curves: Floats, share: float) -> Floats:
    """The day by which the purchase has happened with probability `share`, interpolated within a day.

    Infinity where the curve does not get there: nobody knows, which is not the same as its last day.

    >>> quantile(np.array([[1.0, 0.8, 0.4], [1.0, 0.9, 0.8]]), 0.5).tolist()
    [1.75, inf]
    """
    left = 1.0 - share
    reached = curves <= left
    found = reached.any(axis=1)
    place = np.maximum(reached.argmax(axis=1), 1)
    rows = np.arange(len(curves))
    before, after = curves[rows, place - 1], curves[rows, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(before > after, (before - left) / (before - after), 1.0)
    day: Floats = np.where(found, place - 1 + part, np.inf)
    return day


def expected_day(curves: Floats) -> Floats:
    """The likely day for those who do come within the curve: its median, given a purchase at all.

    >>> expected_day(np.array([[1.0, 0.9, 0.8]])).tolist()
    [1.0]
    """
    within = 1.0 - curves[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        given = np.where(within > 0, (curves - curves[:, -1:]) / within, 1.0)
    return np.asarray(np.minimum(quantile(given, 0.5), curves.shape[1] - 1.0))
