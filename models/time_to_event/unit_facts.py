"""What all customers together tell about a unit, as of a day: whether people come back for it, and how soon.

Everything is counted within windows of fixed length before the day, so that a longer history moves nothing by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask, codes_of
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs
from models.time_to_event.purchases import Purchases
from models.time_to_event.runs import Runs

FACTS = (
    "returned_56",
    "again_28",
    "usual_log_interval",
    "sales",
    "reach",
    "trend",
    "excess_28",
    "excess_84",
)
"""`returned_56` is the share of pairs, bought at most 84 days before, that were bought in the last 56 days;
`again_28` the share of purchases of two months that were repeated within 28 days; `usual_log_interval` the mean log of
intervals that ended lately; `sales` and `reach` logs of purchases and of the share of customers; `trend` the log of the
last 28 days' sales to those before; `excess_28` the log of purchases that watched pairs made in the last 28 days to
those that the pairs' own rates foresaw, as if a unit had no nature of its own."""
_STEADY = 20.0
"""Days that are added to a pair's own time before its rate is believed."""


@dataclass(frozen=True)
class UnitFacts:
    """`table` (units + departments + 1, facts): each unit, each department, all; `parents` is the department of each.

    A unit with few purchases is drawn to its department, a department to all; so an unknown unit gets what a known one
    without purchases would.
    """

    table: Floats
    unit_ids: Ids
    parents: NDArray[np.int32]
    parent_ids: Ids

    @classmethod
    def of(cls, purchases: Purchases, watched: Durations) -> "UnitFacts":
        """As of the last day of `purchases`; of `watched`, what was asked before and seen until then."""
        count = _Count(purchases)
        day = purchases.day
        columns = [*_returns(purchases, count), *_sales(purchases, count)]
        for window in (28, 84):
            asked = watched.pairs.days
            rows = (asked < day) & (asked >= day - window)
            columns.append(_excess(watched.rows(rows), day, count))
        return cls(np.stack(columns, axis=1), purchases.unit_ids, purchases.parents, purchases.parent_ids)

    def rows(self, pairs: Pairs) -> NDArray[np.float32]:
        """The facts (rows, facts) about each pair's unit, else its department, else all."""
        units, departments = len(self.unit_ids), len(self.parent_ids)
        known = codes_of(pairs.unit_ids, self.unit_ids)
        parent = codes_of(pairs.parent_ids, self.parent_ids)
        place = np.where(parent < 0, units + departments, units + parent)[pairs.parents]
        return np.asarray(self.table[np.where(known < 0, place, known)[pairs.units]], np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {
            "facts": self.table,
            "unit_ids": self.unit_ids,
            "parents": self.parents,
            "parent_ids": self.parent_ids,
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> "UnitFacts":
        """From `arrays()`."""
        return cls(arrays["facts"], arrays["unit_ids"], arrays["parents"], arrays["parent_ids"])


@dataclass(frozen=True)
class _Count:
    """Sums by unit, department and all."""

    purchases: Purchases

    def sums(self, units: NDArray[np.integer[Any]], values: Floats | Mask) -> Floats:
        """Of `values` (rows,), at every row of the table."""
        bought = self.purchases
        each = np.bincount(units, values, len(bought.unit_ids))
        kinds = np.bincount(bought.parents, each, len(bought.parent_ids))
        return np.concatenate([each, kinds, [each.sum()]])

    def ratio(self, over: Floats, under: Floats, weight: float, otherwise: float) -> Floats:
        """`over` by `under`, drawn to the department's and that to all's with `weight` (of `under`)."""
        units, kinds = len(self.purchases.unit_ids), len(self.purchases.parent_ids)
        every = (over[-1] + weight * otherwise) / (under[-1] + weight)
        kind = (over[units:-1] + weight * every) / (under[units:-1] + weight)
        each = (over[:units] + weight * kind[self.purchases.parents]) / (under[:units] + weight)
        return np.concatenate([each, kind, [every]]) if kinds else np.append(each, every)


def _returns(purchases: Purchases, count: _Count) -> list[Floats]:
    day, days, units = purchases.day, purchases.days, purchases.units
    runs = Runs.of(purchases.customers, units)
    of = units[runs.starts]
    past = np.where(days <= day - 56, days, -np.inf)
    asked = runs.most(past) > day - 56 - 84
    came = asked & (days[runs.ends] > day - 56)
    following = np.append(days[1:], 0).astype(np.float64)
    following[runs.ends] = np.inf
    lately = (days > day - 84) & (days <= day - 28)
    soon = lately & (following - days <= 28)
    gaps = np.diff(days, prepend=0).astype(np.float64)
    gaps[runs.starts] = np.nan
    ended = (gaps > 0) & (days > day - 112)
    logs = np.log(np.where(ended, gaps, 1.0))
    return [
        count.ratio(count.sums(of, came), count.sums(of, asked), 10.0, 0.3),
        count.ratio(count.sums(units, soon), count.sums(units, lately), 10.0, 0.2),
        count.ratio(count.sums(units, logs), count.sums(units, ended), 5.0, 3.0),
    ]


def _sales(purchases: Purchases, count: _Count) -> list[Floats]:
    day, days, units = purchases.day, purchases.days, purchases.units
    recent = days > day - 84
    last = days > day - 28
    lines = count.sums(units, recent)
    who = Runs.of(purchases.customers[recent], units[recent])
    buyers = count.sums(units[recent][who.starts], np.ones(len(who)))
    customers = len(np.unique(purchases.customers[recent]))
    for total in (lines, buyers):
        total[len(purchases.unit_ids) :] = 0.0  # an unknown unit is a new one, not one as large as its department
    now, before = count.sums(units, last), count.sums(units, recent & ~last) / 2.0
    return [
        np.log1p(lines),
        np.log((buyers + 1.0) / (customers + 1.0)),
        np.log(count.ratio(now, before, 5.0, 1.0)),
    ]


def _excess(watched: Durations, day: int, count: _Count) -> Floats:
    """Purchases of watched pairs until `day` over those foreseen by the pairs' own steady rates, as a logarithm."""
    seen = np.minimum(watched.times, day - watched.pairs.days)
    came = watched.observed & (watched.times <= seen)
    foreseen = own_rate(watched.pairs) * seen
    units = watched.pairs.units
    return np.log(count.ratio(count.sums(units, came), count.sums(units, foreseen), 5.0, 1.0))


def own_rate(pairs: Pairs) -> Floats:
    """Purchases a day that the pair's own history says, by an honest guess that knows nobody else."""
    own = pairs.columns
    return np.asarray((own["purchases"] - 0.5) / (own["span"] + _STEADY), np.float64)
