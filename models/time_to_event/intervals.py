"""How regularly somebody bought something: the pair's own intervals, summed up."""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.time_to_event.purchases import Purchases

INTERVALS = (
    "mean_interval",
    "std_interval",
    "log_mean",
    "log_variance",
    "last_interval",
    "longest_interval",
    "last_packs",
    "mean_packs",
    "last_price",
)
OWN = ("purchases", "span", "recency", "elapsed", *INTERVALS)
"""`purchases` counts days of purchase; `span` is from the first of them to the day of asking, `recency` from the first
to the last, `elapsed` from the last to the day of asking, all in days; the rest speaks of the intervals between them
(NaN without one; `std_interval` and `log_variance`, with n - 1, NaN below two), of packs, and of the relative price
that was paid last."""


def own_intervals(purchases: Purchases, day: int) -> tuple[Codes, Codes, dict[str, Floats]]:
    """Customers, units and the columns `OWN` of every pair in `purchases`, sorted by customer and unit."""
    customers, units, days = purchases.customers, purchases.units, purchases.days
    new = np.ones(len(days), bool)
    new[1:] = (np.diff(customers) != 0) | (np.diff(units) != 0)
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(days))[: len(starts)] - 1
    count = (ends - starts + 1).astype(np.float64)
    first, last = days[starts].astype(np.float64), days[ends].astype(np.float64)
    gaps = np.zeros(len(days))
    gaps[1:] = np.diff(days)
    gaps[starts] = 0.0
    logs = np.log(np.maximum(gaps, 1.0))  # the first row of a pair has no interval and adds nothing
    gap_count = count - 1
    recency = last - first
    mean, deviation = _moments(_sums(gaps, starts), _sums(gaps**2, starts), gap_count)
    log_mean, log_deviation = _moments(_sums(logs, starts), _sums(logs**2, starts), gap_count)
    columns = {
        "purchases": count,
        "span": day - first,
        "recency": recency,
        "elapsed": day - last,
        "mean_interval": mean,
        "std_interval": deviation,
        "log_mean": log_mean,
        "log_variance": log_deviation**2,
        "last_interval": np.where(gap_count > 0, gaps[ends] if len(ends) else 0.0, np.nan),
        "longest_interval": np.where(gap_count > 0, _maxima(gaps, starts), np.nan),
        "last_packs": purchases.packs[ends] if len(ends) else np.empty(0),
        "mean_packs": _sums(purchases.packs, starts) / np.maximum(count, 1),
        "last_price": purchases.prices[ends] if len(ends) else np.empty(0),
    }
    return customers[starts], units[starts], columns


def _sums(values: Floats, starts: NDArray[np.int64]) -> Floats:
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0)


def _maxima(values: Floats, starts: NDArray[np.int64]) -> Floats:
    return np.maximum.reduceat(values, starts) if len(starts) else np.empty(0)


def _moments(total: Floats, squares: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (n - 1) from sums."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
        variance = np.where(count > 1, (squares - total * mean) / (count - 1), np.nan)
    return mean, np.sqrt(np.maximum(variance, 0.0))
