"""When a customer shops at all, and where a pair stands in that: most needs are met on the next trip.

Only `quiet` changes while nothing is bought; all else is as of the last trip.
"""

import numpy as np

from models.arrays import Codes, Floats
from models.time_to_event.purchases import Days, Purchases
from models.time_to_event.runs import Runs, key

RHYTHM = (
    "quiet",
    "trips_14",
    "trips_56",
    "lines_14",
    "lines_56",
    "trip_lines",
    "last_trip_lines",
    "trip_interval",
    "trip_deviation",
    "longest_trip_interval",
    "known_before",
    "trips_before",
    "trips_since",
    "trips_each",
    "lines_then",
)
"""Of the customer: `quiet` days since the last trip; `trips_14` and `lines_56` count trips and what was bought on them,
halved every 14 or 56 days; `trip_lines` per trip lately, `last_trip_lines` on the last; the mean, deviation and longest
of the days between trips. Of the pair: days (at most 84) and trips (at most 12) before its first purchase, trips since
its last, trips from one purchase to the next, and `lines_then`, how much was bought together with it the last time."""
_KNOWN, _TRIPS = 84.0, 12.0
"""Beyond this a customer counts as long known: unbounded, these would grow with the calendar and never come back."""


def rhythm(purchases: Purchases, day: int, customers: Codes, first: Days, last: Days) -> dict[str, Floats]:
    """The columns `RHYTHM` of pairs of `customers` that were first bought on day `first` and last on `last`."""
    days, lines = purchases.trip_days, purchases.trip_sizes
    runs = Runs.of(purchases.trip_customers)
    mine = np.searchsorted(purchases.trip_customers[runs.starts], customers)
    gaps = np.diff(days, prepend=0).astype(np.float64)
    gaps[runs.starts] = 0.0
    between = runs.counts - 1.0
    recent, baskets = runs.faded(days, 56), runs.faded(days, 56, lines)
    trips = key(purchases.trip_customers, days)
    before_last = np.searchsorted(trips, key(customers, last))
    before_first = np.searchsorted(trips, key(customers, first))
    repeats = np.where(last > first, _repeats(purchases), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(between > 0, runs.sums(gaps) / between, np.nan)
        deviation = np.sqrt(np.maximum(np.where(between > 0, runs.sums(gaps**2) / between, np.nan) - mean**2, 0.0))
    of_customer = {
        "quiet": (day - days[runs.ends]).astype(np.float64),
        "trips_14": runs.faded(days, 14),
        "trips_56": recent,
        "lines_14": runs.faded(days, 14, lines),
        "lines_56": baskets,
        "trip_lines": baskets / recent,
        "last_trip_lines": lines[runs.ends],
        "trip_interval": mean,
        "trip_deviation": deviation,
        "longest_trip_interval": runs.most(gaps),
    }
    return {name: column[mine] for name, column in of_customer.items()} | {
        "known_before": np.minimum(first - days[runs.starts][mine], _KNOWN).astype(np.float64),
        "trips_before": np.minimum(before_first - runs.starts[mine], _TRIPS).astype(np.float64),
        "trips_since": (runs.ends[mine] - before_last).astype(np.float64),
        "trips_each": (before_last - before_first) / repeats,
        "lines_then": lines[before_last],
    }


def _repeats(purchases: Purchases) -> Floats:
    return Runs.of(purchases.customers, purchases.units).counts - 1.0
