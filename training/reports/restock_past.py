"""How far the calendar was off before: what it would have foreseen weeks ago, beside who came.

The past is asked because nothing else knows how uncertain such a sum is: customers are not independent, a promotion
or the weather moves all of them, and forecasts err together. What is left beside chance is measured here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.purchases import last_day
from features.restock_table import RestockTable
from models.arrays import Floats, Ids, codes_of
from models.time_to_event.purchases import Purchases
from training.reports.restock_days import DAYS, chances_of_days


@dataclass(frozen=True)
class Past:
    """As of an earlier day, one entry a day ahead: customers foreseen, the variance that chance alone gives their
    number, and how many came."""

    foreseen: Floats
    variance: Floats
    came: Floats

    @classmethod
    def of(cls, table: RestockTable, purchases: Purchases, customer_ids: Ids, weekdays: Floats) -> "Past":
        """What `table` foresaw, and what of that is in `purchases`, whose customers have the sorted `customer_ids`."""
        foreseen, variance = chances_of_days(table, weekdays)
        return cls(foreseen, variance, came(table, purchases, customer_ids))


def came(table: RestockTable, purchases: Purchases, customer_ids: Ids, days: int = DAYS) -> Floats:
    """How many customers bought, on each day after the table was made, something of theirs in it for the first time."""
    day, units = last_day(table.as_of), len(purchases.unit_ids)
    who = np.repeat(codes_of(table.customer_ids, customer_ids), np.diff(table.starts)).astype(np.int64)
    foreseen = who * units + codes_of(table.columns["unit_id"], purchases.unit_ids)
    rows = (purchases.days > day) & (purchases.days <= day + days)
    bought = purchases.customers[rows].astype(np.int64) * units + purchases.units[rows]
    known = np.isin(bought, foreseen)
    bought, ahead = bought[known], (purchases.days[rows] - day)[known]
    order = np.lexsort((ahead, bought))
    pairs, firsts = np.unique(bought[order], return_index=True)
    visits = np.unique(pairs // max(units, 1) * (days + 1) + ahead[order][firsts])
    return np.bincount(visits % (days + 1), minlength=days + 1)[1:].astype(np.float64)


def swing(pasts: Sequence[Past]) -> float | None:
    """By which share numbers were off beyond chance, over all days of all `pasts`; None where none foresaw anybody."""
    some = [past for past in pasts if (past.foreseen > 0).all()]
    if not some:
        return None
    off = np.concatenate([past.came / past.foreseen - 1 for past in some])
    chance = np.concatenate([past.variance / past.foreseen**2 for past in some])
    return float(np.sqrt(max(np.mean(off**2) - np.mean(chance), 0.0)))
