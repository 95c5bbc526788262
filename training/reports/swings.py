"""How much a shop's numbers go up and down for reasons that move all customers at once, as weekdays and promotions."""

import numpy as np

from models.arrays import Floats
from models.time_to_event.purchases import Purchases

WEEKS = 12
_WINDOW = 28
_ALIKE = 20.0
"""As if so many more had come on each day of the week."""

_ENOUGH = 50.0
"""Packs in four weeks, below which chance hides everything else."""


def weekdays(purchases: Purchases, weeks: int = WEEKS) -> Floats:
    """How many customers come on each day of the week beside the mean day (7,); day 0 is that of 1970-01-01.

    Where few came, days are drawn to be alike, and are so where nobody did.
    """
    came = _by_day(purchases, weeks).reshape(weeks, 7).sum(axis=0) + _ALIKE
    return np.roll(came / came.mean(), (purchases.day + 1) % 7)


def day_swing(purchases: Purchases, weeks: int = WEEKS) -> float:
    """By which share the number of customers a day varies beyond chance and the day of the week; 0 where nothing is
    known."""
    counts = _by_day(purchases, weeks)
    usual = np.resize(np.roll(weekdays(purchases, weeks), -((purchases.day + 1) % 7)), len(counts))
    return _beyond((counts / usual)[None, :], counts[None, :])


def _by_day(purchases: Purchases, weeks: int) -> Floats:
    """Customers on each day of the last weeks."""
    first = purchases.day - 7 * weeks
    days = purchases.trip_days[purchases.trip_days > first] - first - 1
    return np.bincount(days, minlength=7 * weeks).astype(np.float64)


def demand_swing(purchases: Purchases, windows: int = 3) -> float:
    """The same of the packs of a group in four weeks, over all groups of which enough is bought."""
    packs, squares = _windows(purchases, windows)
    large = packs.mean(axis=1) > _ENOUGH
    return _beyond(packs[large], squares[large])


def total_swing(purchases: Purchases, windows: int = 3) -> float:
    """The same of the packs of all groups together: a good month is good for most of them."""
    packs, squares = _windows(purchases, windows)
    return _beyond(packs.sum(axis=0)[None, :], squares.sum(axis=0)[None, :])


def _windows(purchases: Purchases, windows: int) -> tuple[Floats, Floats]:
    """Packs (units, windows), and the sums of their squares, which is what chance makes of them."""
    each = [[_packs(purchases, purchases.packs**power, place) for place in range(windows)] for power in (1, 2)]
    return np.stack(each[0], axis=1), np.stack(each[1], axis=1)


def _packs(purchases: Purchases, amounts: Floats, place: int) -> Floats:
    """The sum of each unit in the window that ends `place` windows before the end."""
    last = purchases.day - _WINDOW * place
    inside = (purchases.days > last - _WINDOW) & (purchases.days <= last)
    return np.bincount(purchases.units[inside], amounts[inside], len(purchases.unit_ids)).astype(np.float64)


def _beyond(numbers: Floats, chance: Floats) -> float:
    """The share by which rows of `numbers` vary beyond the mean of `chance`, the variance that chance gives them."""
    mean = numbers.mean(axis=1) if numbers.size else np.empty(0)
    if not (mean > 0).any():
        return 0.0
    beyond = numbers.var(axis=1, ddof=1) - chance.mean(axis=1)
    return float(np.sqrt(max(beyond.sum(), 0.0) / (mean**2).sum()))
