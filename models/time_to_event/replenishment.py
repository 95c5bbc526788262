"""Replenishment: what one registered version holds, from the groups of the catalogue to the forecast of a customer.

The need for a group and the next order of a customer are two clocks: a reminder makes the order, so both are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.catalogue import Catalogue
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.curves import daily
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.forecast import ALTERNATIVES, Forecasts
from models.time_to_event.groups import Groups
from models.time_to_event.hazard import Hazard
from models.time_to_event.lines import Lines
from models.time_to_event.log_logistic import LogLogistic
from models.time_to_event.missing import missing
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.product_choice import FittedProductChoice, ProductChoice, Shelf
from models.time_to_event.purchases import Purchases
from models.time_to_event.quantity import FittedQuantity, Quantity
from models.time_to_event.standing import Standing

_ANY = Watch(purchases=1, days=HORIZON * 10)
"""Who ever bought a group may ask about it."""


@dataclass(frozen=True)
class Replenishment:
    """`need` foresees the next purchase of a group, `trips` the next order at all; `quantity` says how many packs it
    will be, `choice` of which product.

    Both learn from the watched pairs of `origins` days, `step` days apart, the last of them `step` days before the end.
    A pair is watched, and gets a forecast, from `purchases` days of purchase on, for `days` days after the last. A date
    counts as sure (`high`, `medium`) where at least this share of such dates came true within three days.
    """

    name: ClassVar[str] = "replenishment"
    need: TimeToEvent = field(default_factory=Hazard)
    trips: TimeToEvent = field(default_factory=LogLogistic)
    quantity: Quantity = field(default_factory=Quantity)
    choice: ProductChoice = field(default_factory=ProductChoice)
    origins: int = 13
    step: int = 14
    purchases: int = 2
    days: int = 120
    high: float = 0.5
    medium: float = 0.25

    @property
    def watch(self) -> Watch:
        """Who is asked about."""
        return Watch(self.purchases, self.days)

    def origins_before(self, day: int) -> Sequence[int]:
        """The days of asking that it learns from when everything until `day` is known, oldest first."""
        return [day - self.step * ago for ago in range(self.origins, 0, -1)]

    def fit(self, lines: Lines, catalogue: Catalogue) -> "FittedReplenishment":
        """Learn from everything in `lines`, with the products as `catalogue` describes them."""
        groups = Groups.of(catalogue, lines)
        purchases = lines.by_group(groups)
        origins = self.origins_before(lines.day)
        need = self.need.fit(Durations.of(purchases, origins, watch=self.watch))
        trips = self.trips.fit(Durations.of(purchases.orders(), origins, watch=self.watch))
        quantity, choice = self.quantity.fit(purchases), self.choice.fit(lines, groups)
        standing = Standing.learned(need, purchases, self.watch, (self.high, self.medium))
        return FittedReplenishment(self, groups, need, trips, quantity, choice, standing)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedReplenishment":
        """From `arrays()`."""
        return FittedReplenishment(
            self,
            Groups.restore(_part("groups", arrays)),
            self.need.restore(_part("need", arrays)),
            self.trips.restore(_part("trips", arrays)),
            self.quantity.restore(_part("quantity", arrays)),
            self.choice.restore(_part("choice", arrays)),
            Standing.restore(_part("standing", arrays)),
        )


@dataclass(frozen=True)
class FittedReplenishment:
    """Answers for customers whose lines travel with the question; nobody is stored."""

    recipe: Replenishment
    groups: Groups
    need: FittedTimeToEvent
    trips: FittedTimeToEvent
    quantity: FittedQuantity
    choice: FittedProductChoice
    standing: Standing
    _shelf: Shelf = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shelf", self.choice.shelf(self.groups))

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
        lines = lines.until(day)
        purchases = lines.by_group(self.groups)
        pairs = pairs_at(purchases, day, _ANY)
        lacking = missing(pairs, lines, self.groups, self.recipe.watch)
        asked = np.asarray(lacking == "", bool)
        curves = np.ones((len(pairs), HORIZON + 1))
        curves[asked] = daily(self.need, pairs.rows(asked))
        choices = self.choice.choices(self._shelf, lines, pairs, ALTERNATIVES)
        alternatives = choices.ids(self.groups)
        return Forecasts(
            day,
            pairs.customers,
            pairs.unit_ids[pairs.units],
            alternatives[:, 0],
            self.quantity.packs(purchases, pairs),
            curves,
            self.standing.status(curves, pairs, asked),
            self.standing.confidence(curves, pairs, asked),
            lacking,
            pairs.columns,
            self._trips(purchases.orders(), day, lines.customer_count),
            alternatives,
            choices.shares,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of its parts, by `part/name`."""
        parts: dict[str, Groups | FittedTimeToEvent | FittedQuantity | FittedProductChoice | Standing] = {
            "groups": self.groups,
            "need": self.need,
            "trips": self.trips,
            "quantity": self.quantity,
            "choice": self.choice,
            "standing": self.standing,
        }
        return {f"{part}/{name}": array for part, of in parts.items() for name, array in of.arrays().items()}

    def _trips(self, orders: Purchases, day: int, customers: int) -> Floats:
        curves = np.ones((customers, HORIZON + 1))
        pairs = pairs_at(orders, day, _ANY)
        curves[pairs.customers] = daily(self.trips, pairs)
        return curves


def _part(name: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
