"""Who bought of what on which day: all that a time-to-event model learns from, and all that it is asked with."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask

Days = NDArray[np.int32]
"""Whole days since 1970; of an interval, whole days."""


@dataclass(frozen=True)
class Purchases:
    """One row a customer, unit and day, sorted by these three: somebody who comes twice on a day bought once.

    A unit is whatever is bought again: a group of products that replace each other, a single product, or the whole
    order. `parents` (units,) says which department each unit is of, for models that learn from its kind. `packs`
    (rows,) is how many were taken that day, `prices` what a pack cost as a share of what this unit costs usually (1 is
    usual, less is a promotion), NaN where nobody knows.

    `trip_customers` and `trip_days` are the days on which a customer bought anything at all, sorted and each once;
    `trip_sizes` how many different units. `day` is the last day that is known, inclusive: the end of that day is the
    moment of speaking. Nobody may bring a later purchase: that is how a leak would look.
    """

    customers: Codes
    units: Codes
    days: Days
    packs: Floats
    prices: Floats
    unit_ids: Ids
    parents: Codes
    parent_ids: Ids
    customer_count: int
    day: int
    trip_customers: Codes = field(init=False, repr=False)
    trip_days: Days = field(init=False, repr=False)
    trip_sizes: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.customers, self.units, self.days, self.packs, self.prices)}
        if len(lengths) != 1:
            raise ValueError(f"purchases need columns of one length, found {sorted(lengths)}")
        if len(self.parents) != len(self.unit_ids):
            raise ValueError(f"{len(self.parents)} parents for {len(self.unit_ids)} units; give one for each")
        if len(self.days):
            if not 0 <= self.units.min() <= self.units.max() < len(self.unit_ids):
                raise ValueError("a unit code lies outside unit_ids; build the codes from the same ids")
            if not 0 <= self.customers.min() <= self.customers.max() < self.customer_count:
                raise ValueError("a customer code lies outside customer_count")
            if self.days.max() > self.day:
                raise ValueError(f"a purchase on day {self.days.max()} lies after day={self.day}; cut it off first")
        keys = _keys(self.customers, self.units, self.days)
        if not (np.diff(keys) > 0).all():
            raise ValueError("purchases must be sorted by customer, unit and day, each once; use Purchases.of")
        trips, sizes = np.unique(_trips(self.customers, self.days), return_counts=True)
        customers, days = np.divmod(trips, _FAR)
        object.__setattr__(self, "trip_customers", customers.astype(np.int32))
        object.__setattr__(self, "trip_days", (days - _ORIGIN).astype(np.int32))
        object.__setattr__(self, "trip_sizes", sizes.astype(np.float64))

    @classmethod
    def of(
        cls,
        customers: Codes,
        units: Codes,
        days: Days,
        packs: Floats,
        prices: Floats,
        unit_ids: Ids,
        parents: Codes,
        parent_ids: Ids,
        customer_count: int,
        day: int,
    ) -> "Purchases":
        """From lines in any order: those of one customer, unit and day become one row; prices weigh by packs."""
        keys, places = np.unique(_keys(customers, units, days), return_inverse=True)
        total = np.bincount(places, packs, len(keys)).astype(np.float64)
        known = np.isfinite(prices)
        weight = np.bincount(places[known], packs[known], len(keys))
        paid = np.bincount(places[known], packs[known] * prices[known], len(keys))
        pairs, when = np.divmod(keys, _FAR)
        who, what = np.divmod(pairs, _FAR)
        with np.errstate(invalid="ignore", divide="ignore"):
            price = np.where(weight > 0, paid / weight, np.nan)
        return cls(
            who.astype(np.int32),
            what.astype(np.int32),
            (when - _ORIGIN).astype(np.int32),
            total,
            price,
            unit_ids,
            parents,
            parent_ids,
            customer_count,
            day,
        )

    def until(self, day: int) -> "Purchases":
        """What was known at the end of `day`."""
        return self if day >= self.day else self._kept(self.days <= day, day)

    def among(self, customers: Mask) -> "Purchases":
        """Those of the customers in the mask (customer_count,); codes stay as they are."""
        return self._kept(customers[self.customers], self.day)

    def orders(self) -> "Purchases":
        """The same trips as purchases of a single unit, `order`: when does somebody come again at all?"""
        return Purchases(
            self.trip_customers,
            np.zeros(len(self.trip_days), np.int32),
            self.trip_days,
            self.trip_sizes,
            np.full(len(self.trip_days), np.nan),
            np.array(["order"], object),
            np.zeros(1, np.int32),
            np.array(["order"], object),
            self.customer_count,
            self.day,
        )

    def _kept(self, rows: Mask, day: int) -> "Purchases":
        return replace(
            self,
            customers=self.customers[rows],
            units=self.units[rows],
            days=self.days[rows],
            packs=self.packs[rows],
            prices=self.prices[rows],
            day=day,
        )


_FAR = 2**21
_ORIGIN = 2**20
"""A day, a unit and a customer each fit into 21 bits of one integer: two million units, two thousand years."""


def _keys(customers: Codes, units: Codes, days: Days) -> NDArray[np.int64]:
    pairs: NDArray[np.int64] = customers.astype(np.int64) * _FAR + units
    keys: NDArray[np.int64] = pairs * _FAR + (days.astype(np.int64) + _ORIGIN)
    return keys


def _trips(customers: Codes, days: Days) -> NDArray[np.int64]:
    trips: NDArray[np.int64] = customers.astype(np.int64) * _FAR + (days.astype(np.int64) + _ORIGIN)
    return trips
