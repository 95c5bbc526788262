"""What else a pair's own purchases tell: how often lately, and the shape of the intervals behind their mean.

Nothing here changes while nothing is bought: everything is as of the last purchase.
"""

import numpy as np

from models.arrays import Floats
from models.time_to_event.purchases import Purchases
from models.time_to_event.runs import Runs

HABITS = (
    "faded_14",
    "faded_28",
    "faded_56",
    "second_interval",
    "third_interval",
    "shortest_interval",
    "median_interval",
    "same_weekday",
    "usual_price",
    "cheap_share",
)
"""`faded_14` counts purchases, each halved for every 14 days before the last one. `second_interval` is the last
interval but one; `shortest_interval` and `median_interval` speak of all (NaN without one). `same_weekday` is the share
of purchases on the weekday of the last one; `usual_price` the mean of the relative prices (1 where unknown), and
`cheap_share` how many of them were below 0.9."""
_HALF_LIVES = (14, 28, 56)
_CHEAP = 0.9


def own_habits(purchases: Purchases, runs: Runs) -> dict[str, Floats]:
    """The columns `HABITS` of each pair; `runs` are the pairs in the rows of `purchases`."""
    days, count = purchases.days, runs.counts
    gaps = np.diff(days, prepend=0).astype(np.float64)
    gaps[runs.starts] = np.nan  # the first purchase of a pair ends no interval
    prices = np.where(np.isnan(purchases.prices), 1.0, purchases.prices)
    same = days % 7 == runs.each_row(days[runs.ends] % 7)
    faded = {f"faded_{half}": runs.faded(days, half) for half in _HALF_LIVES}
    return faded | {
        "second_interval": _before(gaps, runs, 1),
        "third_interval": _before(gaps, runs, 2),
        "shortest_interval": np.where(count > 1, -runs.most(np.where(np.isnan(gaps), -np.inf, -gaps)), np.nan),
        "median_interval": _medians(gaps, runs),
        "same_weekday": runs.sums(same.astype(np.float64)) / count,
        "usual_price": runs.sums(prices) / count,
        "cheap_share": runs.sums((prices < _CHEAP).astype(np.float64)) / count,
    }


def _before(gaps: Floats, runs: Runs, back: int) -> Floats:
    """The interval `back` places before the last."""
    place = runs.ends - back
    return np.where(place > runs.starts, gaps[np.maximum(place, 0)], np.nan) if len(runs) else np.empty(0)


def _medians(gaps: Floats, runs: Runs) -> Floats:
    """The median of each run's intervals, the upper one of two; NaN, which sorts last, is the first purchase."""
    owner = runs.each_row(np.arange(len(runs)))
    order = np.lexsort((gaps, owner))
    intervals = runs.ends - runs.starts
    return gaps[order][runs.starts + intervals // 2] if len(runs) else np.empty(0)
