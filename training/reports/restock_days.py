"""How many customers will need something on each day ahead, from the table of who is due."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from features.purchases import last_day
from features.reports.interval import Interval
from features.reports.restock_calendar import DueDay
from features.restock_table import RestockTable, at_days
from models.arrays import Floats

DAYS = 42
SIDE = float(norm.ppf(0.9))
"""Standard deviations on either side of an 80 % interval."""

_BLOCK = 20_000
_ORDER_SIZES = 2.0
"""The shape of the gamma distribution of how large an order is beside the customer's usual one. Of .5, 1, 2 and 4 the
one that told best how many customers needed something in six weeks of groceries; judged on six later ones it was 2 %
off (`benchmarks/restock_calendar.py`)."""

_EPOCH = date(1970, 1, 1)
_LEAST = 1e-9


def due_days(
    table: RestockTable, swing: float = 0.0, weekdays: Floats | None = None, days: int = DAYS
) -> tuple[DueDay, ...]:
    """The customers who are expected to need something on each of the `days` after the table was made.

    Forecasts of single customers know no days of the week, so their sum is given the shop's own: `weekdays` as in
    `training.reports.swings`. The interval takes customers for independent of each other, beside what moves all of them
    at once: `swing` is by which share of it a day's number goes up and down for that. A holiday that comes once a year
    is not in it.
    """
    mean, spread = chances_of_days(table, weekdays, days)
    spread += (swing * mean) ** 2
    first = _EPOCH + timedelta(days=last_day(table.as_of) + 1)
    return tuple(
        DueDay(first + timedelta(days=place), interval(expected, variance, len(table.customer_ids)))
        for place, (expected, variance) in enumerate(zip(mean.tolist(), spread.tolist(), strict=True))
    )


def chances_of_days(table: RestockTable, weekdays: Floats | None = None, days: int = DAYS) -> tuple[Floats, Floats]:
    """The number of customers on each day (days,), and the variance that it has where they are independent."""
    mean, spread = np.zeros(days), np.zeros(days)
    for chances in _blocks(table, days):
        mean += chances.sum(axis=0)
        spread += (chances * (1 - chances)).sum(axis=0)
    if weekdays is None:
        return mean, spread
    usual = weekdays[(last_day(table.as_of) + 1 + np.arange(days)) % 7]
    most = float(len(table.customer_ids))
    return np.minimum(mean * usual, most), spread * usual


def customer_chances(table: RestockTable, days: int = DAYS) -> Floats:
    """The probability (customers, days) that a customer needs anything on a day: `due_days` sums them."""
    return np.concatenate([np.empty((0, days)), *_blocks(table, days)])


def interval(mean: float, variance: float, most: float = np.inf) -> Interval:
    """The 80 % interval of a sum of many, within 0 and `most`."""
    reach = SIDE * float(np.sqrt(max(variance, 0.0)))
    return Interval.of(round(mean, 4), round(max(mean - reach, 0.0), 4), round(min(mean + reach, most), 4))


def _blocks(table: RestockTable, days: int) -> Iterator[Floats]:
    """The chances of some customers after the other: curves by day of all at once would take gigabytes."""
    ahead = np.arange(days + 1)
    for low, high in customer_blocks(table):
        rows = slice(int(table.starts[low]), int(table.starts[high]))
        curves = at_days(table.columns["curve"][rows], ahead)
        trips = at_days(table.columns["next_order"][table.starts[low:high]], ahead)
        yield any_need(_by_day(curves), table.starts[low:high] - table.starts[low], orders(_by_day(trips)))


def _by_day(curves: Floats) -> Floats:
    return np.clip(-np.diff(curves, axis=1), 0.0, 1.0)


def customer_blocks(table: RestockTable) -> Iterator[tuple[int, int]]:
    """Customers, first and behind the last, in blocks of some 20,000 rows."""
    count = len(table.customer_ids)
    low = 0
    while low < count:
        high = int(np.searchsorted(table.starts, table.starts[low] + _BLOCK, side="right")) - 1
        high = min(max(high, low + 1), count)
        yield low, high
        low = high


def orders(next_order: Floats) -> Floats:
    """The probability (customers, days) of an order on a day, the next one or a later one, from that of the next one:
    as if the time between two orders were like that until the next (a renewal process)."""
    found = np.zeros_like(next_order)
    for day in range(next_order.shape[1]):
        later = (found[:, :day] * next_order[:, :day][:, ::-1]).sum(axis=1)
        found[:, day] = next_order[:, day] + later
    return np.clip(found, 0.0, 1.0)


def any_need(needs: Floats, starts: NDArray[np.int64], ordering: Floats, order_sizes: float = _ORDER_SIZES) -> Floats:
    """The probability (customers, days) of any need on a day, from that of each need (rows, days); the rows of a
    customer begin at `starts`, `ordering` is the probability of an order.

    Needs are met by orders, many at once: were they independent of each other, three times as many customers would
    seem to need something. So they are counted as a number of things in an order, whose mean follows from both, and
    whose spread is that of orders of different sizes (a negative binomial number of shape `order_sizes`).
    """
    together = np.add.reduceat(needs, starts, axis=0)
    chance = np.maximum(ordering, np.maximum.reduceat(needs, starts, axis=0))
    things = together / np.maximum(chance, _LEAST)
    return np.asarray(chance * -np.expm1(-order_sizes * np.log1p(things / order_sizes)), np.float64)
