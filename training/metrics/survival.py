"""How good survival curves were, row by row, for pairs that were followed to the curves' end.

`curves` (rows, days + 1) are by whole day from 0 on, as `models.time_to_event.curves.daily` gives them; `times` (rows,)
are days to the next purchase where `observed`, else the last day of the curves: everybody has to be followed until
then, so nothing needs weights for censoring.
"""

import numpy as np

from models.arrays import Floats, Mask
from models.time_to_event.curves import due_within, expected_day, quantile
from training.metrics.calibration import expected_calibration_error
from training.metrics.concordance import auc, concordance
from training.metrics.ratio import Ratio, mean

WINDOWS = (7, 14, 28)
"""Days ahead for which a probability is judged."""
SHARE = 0.8
"""The share of next purchases that should lie in the interval that a forecast names."""


def measures(curves: Floats, times: Floats, observed: Mask) -> dict[str, Ratio]:
    """All that is a ratio of sums over rows, by name; for days and errors less is better, for the others more.

    Raises ValueError when somebody was not followed to the end of the curves.
    """
    last = curves.shape[1] - 1
    if len(times) and (times[~observed].min(initial=last) < last or times.max() > last):
        raise ValueError(f"curves of {last} days need everybody followed for as long; cut the curves or the rows")
    error = date_error(curves, times, observed)
    found = {
        "rmae": mean(restricted_error(curves, times)),
        "date mae": mean(error),
        "within 3 days": mean(hit(error, 3)),
        "within 7 days": mean(hit(error, 7)),
        "concordance": concordance(times, restricted_mean(curves), observed),
        "coverage": mean(covered(curves, times, observed)),
    }
    for days in WINDOWS:
        chances, came = due_within(curves, days), observed & (times <= days)
        found[f"auc {days}"] = auc(chances, came)
        found[f"brier {days}"] = mean(brier(chances, came))
        found[f"skill {days}"] = skill(chances, came)
    return found


def calibration(curves: Floats, times: Floats, observed: Mask) -> dict[str, float]:
    """The expected calibration error at each of `WINDOWS`: `ece 14`."""
    return {
        f"ece {days}": expected_calibration_error(due_within(curves, days), observed & (times <= days))
        for days in WINDOWS
    }


def restricted_error(curves: Floats, times: Floats) -> Floats:
    """Days between the median of the curve and the purchase, both cut at the curve's end.

    >>> restricted_error(np.array([[1.0, 0.5, 0.2], [1.0, 0.9, 0.8]]), np.array([2.0, 2.0])).tolist()
    [1.0, 0.0]
    """
    last = curves.shape[1] - 1.0
    return np.asarray(np.abs(np.minimum(quantile(curves, 0.5), last) - np.minimum(times, last)), np.float64)


def date_error(curves: Floats, times: Floats, observed: Mask) -> Floats:
    """Days between the likely day, given a purchase within the curve, and the purchase; NaN for who did not come.

    A date is a whole day, so the likely moment is rounded to one.
    """
    return np.where(observed, np.abs(np.maximum(np.round(expected_day(curves)), 1.0) - times), np.nan)


def hit(error: Floats, days: int) -> Floats:
    """Whether the likely day was at most `days` off, from `date_error`; NaN stays NaN.

    >>> hit(np.array([2.0, 8.0, np.nan]), 7).tolist()
    [1.0, 0.0, nan]
    """
    return np.where(np.isnan(error), np.nan, error <= days)


def restricted_mean(curves: Floats) -> Floats:
    """Mean days until the purchase, where all who come behind the curve's end count as coming on the day after it.

    It is what orders customers for the concordance: half of the medians lie behind the end, where they are all alike.

    >>> restricted_mean(np.array([[1.0, 0.5, 0.0]])).tolist()
    [1.5]
    """
    return np.asarray(curves.sum(axis=1), np.float64)


def brier(chances: Floats, came: Mask) -> Floats:
    """The squared error of each probability (Brier, 1950)."""
    return np.asarray((chances - came) ** 2, np.float64)


def skill(chances: Floats, came: Mask) -> Ratio:
    """The share of the base rate's Brier score that is saved: 0 is as good as one number for all.

    >>> round(skill(np.array([1.0, 0.0, 0.5]), np.array([True, False, False])).value, 3)
    0.625
    """
    base = brier(np.full(len(came), came.mean() if len(came) else 0.0), came)
    return Ratio(base - brier(chances, came), base)


def covered(curves: Floats, times: Floats, observed: Mask, share: float = SHARE) -> Floats:
    """How likely the central interval with probability `share` holds the purchase, in [0, 1].

    Days are whole, and all who come behind the curve's end stand on one spot, so most intervals of whole days hold more
    than their share. The randomised probability integral transform (Brockwell, 2007) draws a point between what the
    curve says before the day and at its end; instead of one draw this is the mean over all of them.

    >>> covered(np.array([[1.0, 0.75, 0.0]]), np.array([1.0]), np.array([True]), 0.8).round(3).tolist()
    [0.6]
    """
    rows, day = np.arange(len(times)), times.astype(np.int64)
    start = 1.0 - np.where(observed, curves[rows, day - 1], curves[:, -1])
    end = np.where(observed, 1.0 - curves[rows, day], 1.0)
    low, high = (1 - share) / 2, (1 + share) / 2
    overlap = np.clip(end, low, high) - np.clip(start, low, high)
    point = (start >= low) & (start <= high)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(end > start, overlap / (end - start), point.astype(np.float64))
