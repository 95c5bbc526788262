"""How far a customer, and a department in a customer's baskets, lives on things bought again.

Only `department_quiet` changes while nothing is bought; all else is as of the customer's last trip.
"""

import numpy as np

from models.arrays import Floats
from models.time_to_event.purchases import Purchases
from models.time_to_event.runs import Runs, key

LOYALTY = (
    "again_share",
    "watched",
    "kept",
    "department_quiet",
    "department_28",
    "department_share",
    "department_again",
    "department_last",
    "department_since",
)
"""Of the customer: the share of lines (halved every 56 days) bought within 120 days before, how many units are watched,
and the logarithm of how many came back in the 28 days before the last trip against what their own rates foresaw. Of the
customer in the unit's department: days since the last purchase, purchases halved every 28 days, the pair's share of
them, how many of them were repeats, how many were made on the last day, and how many since the pair's last purchase: a
substitute may have ended the need."""
_WATCHED = 120
_WINDOW = 28.0
_STEADY = 20.0
"""Days that are added to a pair's own time before its rate is believed."""
_CAUTION = 3.0


def loyalty(purchases: Purchases, day: int, runs: Runs) -> dict[str, Floats]:
    """The columns `LOYALTY` of each pair; `runs` are the pairs in the rows of `purchases`."""
    gaps = np.diff(purchases.days, prepend=0)
    again = (gaps <= _WATCHED).astype(np.float64)
    again[runs.starts] = 0.0
    return _of_customer(purchases, runs, again) | _of_department(purchases, day, runs, again)


def _of_customer(purchases: Purchases, runs: Runs, again: Floats) -> dict[str, Floats]:
    order = np.lexsort((purchases.days, purchases.customers))
    everything = Runs.of(purchases.customers[order])
    days = purchases.days[order]
    pairs = Runs.of(purchases.customers[runs.starts])  # the pairs of one customer stand together
    end = pairs.each_row(days[everything.ends]).astype(np.float64)
    first, last = purchases.days[runs.starts], purchases.days[runs.ends]
    earlier = purchases.days <= runs.each_row(end - _WINDOW)
    count = runs.sums(earlier.astype(np.float64))
    until = runs.most(np.where(earlier, purchases.days, -np.inf))
    seen = (count >= 2) & (end - _WINDOW - until <= _WATCHED)
    rate = (count - 0.5) / np.maximum(end - _WINDOW - first + _STEADY, _STEADY)
    foreseen = pairs.sums(np.where(seen, -np.expm1(-_WINDOW * rate), 0.0))
    came = pairs.sums((seen & (last > end - _WINDOW)).astype(np.float64))
    of_customer = {
        "again_share": everything.faded(days, 56, again[order]) / everything.faded(days, 56),
        "watched": pairs.sums(((runs.counts >= 2) & (end - last <= _WATCHED)).astype(np.float64)),
        "kept": np.log((came + _CAUTION) / (foreseen + _CAUTION)),
    }
    return {name: np.asarray(pairs.each_row(column), np.float64) for name, column in of_customer.items()}


def _of_department(purchases: Purchases, day: int, runs: Runs, again: Floats) -> dict[str, Floats]:
    bought = key(purchases.customers, purchases.parents[purchases.units])
    order = np.lexsort((purchases.days, bought))
    days = purchases.days[order]
    kinds, moments = Runs.of(bought[order]), Runs.of(bought[order], days)
    final = (days == kinds.each_row(days[kinds.ends])).astype(np.float64)
    mine = np.searchsorted(bought[order][kinds.starts], bought[runs.starts])
    place = np.empty(len(days), np.int64)
    place[order] = moments.each_row(moments.ends)  # the department's last row on the day of each row
    return {
        "department_quiet": (day - days[kinds.ends])[mine].astype(np.float64),
        "department_28": kinds.faded(days, 28)[mine],
        "department_share": runs.counts / kinds.counts[mine],
        "department_again": (kinds.sums(again[order]) / kinds.counts)[mine],
        "department_last": kinds.sums(final)[mine],
        "department_since": (kinds.ends[mine] - place[runs.ends]).astype(np.float64),
    }
