"""How long it usually takes until somebody buys a product again, and how often customers come at all."""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.recommenders.base import Interactions

_DOUBT = 10.0
_UNKNOWN = np.log(30.0)
"""Of a shop in which nobody came back yet: a month."""


def repeat_intervals(purchases: Interactions, categories: Ids) -> Floats:
    """The mean logarithm of days between two purchases of one customer, (items,).

    The logarithm, as intervals spread over orders of magnitude and a log-normal fits them. Shrunk as if 10 intervals of
    the product's category had been seen, and the category's as if 10 of the shop. `categories` (items,) may be None.
    """
    count = len(purchases.item_ids)
    items, gaps = _gaps(purchases)
    logarithms = np.log(gaps)
    order = np.lexsort((logarithms, items))
    items, logarithms = items[order], logarithms[order]
    shop = float(np.sort(logarithms).mean()) if len(logarithms) else float(_UNKNOWN)
    kinds = np.unique(np.array([category or "" for category in categories], object), return_inverse=True)[1]
    kinds = kinds.astype(np.int64) if count else np.empty(0, np.int64)
    of_kind = _shrunk(kinds[items], logarithms, np.full(kinds.max(initial=-1) + 1, shop))
    return _shrunk(items, logarithms, of_kind[kinds])


def trips_a_day(purchases: Interactions) -> float:
    """Days with a purchase over days since the first one, of all customers together; above 0."""
    customers, days = purchases.customers, np.floor(purchases.days)
    order = np.lexsort((days, customers))
    customers, days = customers[order], days[order]
    first = _starts(customers)
    trips = first | np.append(True, days[1:] != days[:-1])[: len(days)]
    passed = np.sort(purchases.until - days[first]).sum() + first.sum()
    return float(trips.sum() / passed) if len(days) else 1.0


def _gaps(purchases: Interactions) -> tuple[NDArray[np.int32], Floats]:
    """Item and whole days of each interval; two purchases on one day are one."""
    days = np.floor(purchases.days)
    order = np.lexsort((days, purchases.items, purchases.customers))
    customers, items, days = purchases.customers[order], purchases.items[order], days[order]
    later = ~(_starts(customers) | _starts(items))
    gaps = np.diff(days, prepend=days[:1])
    kept = later & (gaps > 0)
    return items[kept], gaps[kept]


def _starts(sorted_codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.append(True, sorted_codes[1:] != sorted_codes[:-1])[: len(sorted_codes)]


def _shrunk(groups: NDArray[np.int64] | NDArray[np.int32], values: Floats, wider: Floats) -> Floats:
    sums, counts = np.bincount(groups, values, len(wider)), np.bincount(groups, minlength=len(wider))
    return np.asarray((sums + _DOUBT * wider) / (counts + _DOUBT), np.float64)
