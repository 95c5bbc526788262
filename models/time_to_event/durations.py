"""How long it took: watched pairs of several days, and how many days later each was bought again, or not yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Mask
from models.time_to_event.pairs import Pairs, Watch, pairs_at, stacked
from models.time_to_event.purchases import Days, Purchases

HORIZON = 84
"""How many days ahead models look: twelve weeks."""


@dataclass(frozen=True)
class Durations:
    """What a model is fitted on. `times` (rows,) are whole days from each pair's day to its next purchase where
    `observed`, else to the end of watching: a censored duration. A time is at least 1 and at most the horizon.

    `purchases` is everything that was known at the end of watching; no duration reaches behind its day.
    """

    purchases: Purchases
    pairs: Pairs
    times: Floats
    observed: Mask

    def __post_init__(self) -> None:
        if not len(self.pairs) == len(self.times) == len(self.observed):
            found = f"{len(self.pairs)} pairs, {len(self.times)} times, {len(self.observed)} flags"
            raise ValueError(f"each pair needs a time and whether its end was seen, found {found}")
        if len(self.times) and self.times.min() < 1:
            raise ValueError("a duration below one day; a purchase on the day of asking is known already")
        if len(self.times) and (self.pairs.days + self.times).max() > self.purchases.day:
            raise ValueError(f"a duration reaches behind day {self.purchases.day}, until which purchases are known")

    @classmethod
    def of(
        cls,
        purchases: Purchases,
        days: Sequence[int],
        horizon: int = HORIZON,
        watch: Watch = Watch(),  # noqa: B008 - frozen
    ) -> "Durations":
        """Watched pairs at the end of each of `days`, followed for `horizon` days, or until `purchases` end.

        Raises ValueError when nothing can be followed.
        """
        kept = [day for day in days if day < purchases.day]
        if not kept:
            raise ValueError(f"no day of {list(days)} lies before day {purchases.day}, where the purchases end")
        pairs = stacked([pairs_at(purchases, day, watch) for day in kept])
        times, observed = next_purchases(purchases, pairs)
        end = np.minimum(horizon, purchases.day - pairs.days).astype(np.float64)
        return cls(purchases, pairs, np.minimum(times, end), observed & (times <= end))

    def seen_until(self, day: int) -> "Durations":
        """The same as it looked at the end of `day`: what was asked before, and how far it had come by then."""
        asked = np.flatnonzero(self.pairs.days < day).astype(np.int32)
        pairs, times = self.pairs.rows(asked), self.times[asked]
        end = (day - pairs.days).astype(np.float64)
        return Durations(
            self.purchases.until(day), pairs, np.minimum(times, end), self.observed[asked] & (times <= end)
        )

    def rows(self, kept: Mask | Codes) -> "Durations":
        """Some of the rows."""
        return Durations(self.purchases, self.pairs.rows(kept), self.times[kept], self.observed[kept])


def next_purchases(purchases: Purchases, pairs: Pairs) -> tuple[Floats, Mask]:
    """Days from each pair's day to its first purchase after it, and whether there was one; infinity where not."""
    bought, asked = _keys(purchases.customers, purchases.units), _keys(pairs.customers, pairs.units)
    order = bought * _DAYS + purchases.days
    place = np.searchsorted(order, asked * _DAYS + pairs.days, side="right")
    found = place < len(order)
    found[found] = bought[place[found]] == asked[found]
    times = np.full(len(pairs), np.inf)
    times[found] = purchases.days[place[found]] - pairs.days[found]
    return times, found


_DAYS = 2**21
_UNITS = 2**21


def _keys(customers: Codes | Days, units: Codes) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = customers.astype(np.int64) * _UNITS + units
    return keys
