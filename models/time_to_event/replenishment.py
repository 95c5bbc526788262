"""Replenishment: what one registered version holds, from the groups of the catalogue to the forecast of a customer.

The need for a group and the next order of a customer are two clocks: a reminder makes the order, so both are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.catalogue import Catalogue
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.curves import daily
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.pairs import Pairs, Watch, pairs_at

_ANY = Watch(purchases=1, days=HORIZON * 10)
"""Who ever bought a group may ask about it."""


@dataclass(frozen=True)
class Replenishment:
    """`need` foresees the next purchase of a group, `trips` the next order at all.

    Both learn from the watched pairs of `origins` days, `step` days apart, the last of them `step` days before the end.
    A pair is watched, and gets a forecast, from `purchases` days of purchase on, for `days` days after the last.
    """

    name: ClassVar[str] = "replenishment"
    need: TimeToEvent = field(default_factory=MeanInterval)
    trips: TimeToEvent = field(default_factory=MeanInterval)
    origins: int = 13
    step: int = 14
    purchases: int = 2
    days: int = 120

    @property
    def watch(self) -> Watch:
        """Who is asked about."""
        return Watch(self.purchases, self.days)

    def origins_before(self, day: int) -> Sequence[int]:
        """The days of asking that it learns from when everything until `day` is known, oldest first."""
        return [day - self.step * ago for ago in range(self.origins, 0, -1)]

    def fit(self, lines: Lines, catalogue: Catalogue) -> "FittedReplenishment":
        """Learn from everything in `lines`, with the products as `catalogue` describes them."""
        groups = Groups.of(catalogue)
        purchases = lines.by_group(groups)
        origins = self.origins_before(lines.day)
        need = self.need.fit(Durations.of(purchases, origins, watch=self.watch))
        trips = self.trips.fit(Durations.of(purchases.orders(), origins, watch=self.watch))
        return FittedReplenishment(self, groups, need, trips)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedReplenishment":
        """From `arrays()`."""
        return FittedReplenishment(
            self,
            Groups.restore(_part("groups", arrays)),
            self.need.restore(_part("need", arrays)),
            self.trips.restore(_part("trips", arrays)),
        )


@dataclass(frozen=True)
class FittedReplenishment:
    """Answers for customers whose lines travel with the question; nobody is stored."""

    recipe: Replenishment
    groups: Groups
    need: FittedTimeToEvent
    trips: FittedTimeToEvent

    @property
    def name(self) -> str:
        """The registered model."""
        return self.recipe.name

    @property
    def day(self) -> int:
        """The last day that it learned from."""
        return self.need.day

    def forecast(self, lines: Lines, day: int) -> Forecasts:
        """For every group that a customer of `lines` ever bought, at the end of `day`; what is later has no part."""
        purchases = lines.until(day).by_group(self.groups)
        pairs = pairs_at(purchases, day, _ANY)
        watch = self.recipe.watch
        elapsed, count = pairs.columns["elapsed"], pairs.columns["purchases"]
        asked = (count >= watch.purchases) & (elapsed <= watch.days)
        curves = np.ones((len(pairs), HORIZON + 1))
        curves[asked] = daily(self.need, pairs.rows(asked))
        missing = np.where(asked, "", np.where(count < watch.purchases, "one_purchase", "long_ago")).astype(object)
        return Forecasts(
            day,
            pairs.customers,
            pairs.unit_ids[pairs.units],
            self._products(lines.until(day), pairs),
            np.maximum(np.round(pairs.columns["last_packs"]), 1.0),
            curves,
            _status(curves, pairs, asked),
            np.where(asked, "low", "none").astype(object),
            missing,
            pairs.columns,
            self._trips(purchases.orders(), day, lines.customer_count),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of its parts, by `part/name`."""
        parts: dict[str, Groups | FittedTimeToEvent] = {"groups": self.groups, "need": self.need, "trips": self.trips}
        return {f"{part}/{name}": array for part, of in parts.items() for name, array in of.arrays().items()}

    def _products(self, lines: Lines, pairs: Pairs) -> Ids:
        """The product of each pair's group that the customer took last."""
        single = lines.by_product(self.groups)
        units = np.maximum(self.groups.units, 0)[single.units]
        order = np.lexsort((single.units, single.days, units, single.customers))
        key = _key(single.customers, units)[order]
        last = np.searchsorted(key, _key(pairs.customers, pairs.units), side="right") - 1
        return np.asarray(self.groups.product_ids[single.units[order][last]], object)

    def _trips(self, orders: Any, day: int, customers: int) -> Floats:
        curves = np.ones((customers, HORIZON + 1))
        pairs = pairs_at(orders, day, _ANY)
        curves[pairs.customers] = daily(self.trips, pairs)
        return curves


def _status(curves: Floats, pairs: Pairs, asked: NDArray[np.bool_]) -> Ids:
    soon = 1.0 - curves[:, 7]
    late = pairs.columns["elapsed"] > pairs.columns["mean_interval"]
    choices = [~asked, curves[:, -1] > 0.8, soon >= 0.5, late]
    return np.select(choices, ["unknown", "lapsed", "due", "overdue"], "upcoming").astype(object)


def _key(customers: NDArray[np.int32], units: NDArray[np.int32]) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = customers.astype(np.int64) * 2**31 + units
    return keys


def _part(name: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
