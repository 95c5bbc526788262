"""A simulated shop whose clocks are planted: how fast everybody needs a thing again, when they shop, when they stop."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Ids
from models.time_to_event.base import TimeToEvent
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.family import RECIPES
from models.time_to_event.hazard import Hazard
from models.time_to_event.mixture import Mixture
from models.time_to_event.purchases import Purchases
from models.time_to_event.weibull import Weibull

START = 17_000
"""The first day of every world."""
VARIATIONS: dict[str, TimeToEvent] = {
    **{name: recipe() for name, recipe in RECIPES.items()},
    "bg_nbd rigid": BGNBD(shrinkage=1e6, unit_shrinkage=1e6),
    "hazard": Hazard(trees=40),
    "hazard of a small shop": Hazard(trees=20, smallest_leaf=10),
    "mixture of another": Mixture((BGNBD(window=1), Weibull(shrinkage=1.0))),
}
"""Every recipe of the family as it is (the hazard with fewer trees, for time), and some that reach other branches."""


@dataclass(frozen=True)
class Clocks:
    """What is planted.

    A need comes back after a Gamma interval of shape `regularity` (1 is memoryless, many are a clockwork), at a rate
    of its own for each customer and unit: Gamma of shape `rate`, its mean one in `interval` days, times the factor of
    the unit's department. It is met on the customer's next shopping day; a day is one with chance `shopping`. After
    each repeated purchase a pair stops for good with a chance of its own, Beta(`leave`, `stay`).
    """

    interval: float = 15.0
    factors: tuple[float, ...] = (0.5, 1.0, 2.5)
    rate: float = 2.0
    regularity: float = 1.0
    shopping: float = 1.0
    leave: float = 0.5
    stay: float = 3.0

    def sales(self, customers: int = 60, units: int = 9, days: int = 300, seed: int = 0) -> Purchases:
        """Everybody takes up every unit in the first third of the time and goes on until `days` are over."""
        rng = np.random.default_rng(seed)
        who, what = np.divmod(np.arange(customers * units), units)
        usual = self.interval * np.array(self.factors)[what % len(self.factors)]
        rates = rng.gamma(self.rate, 1 / (self.rate * usual))
        stops = rng.beta(self.leave, self.stay, len(who))
        trips = _next_trips(rng.random((customers, days)) < self.shopping)
        need = rng.random(len(who)) * days / 3
        active = np.ones(len(who), bool)
        rows = []
        while active.any():
            bought = trips[who, np.minimum(np.ceil(need), days).astype(np.int64)]
            active &= bought < days
            rows.append(np.stack([who[active], what[active], bought[active]]))
            active &= (rng.random(len(who)) >= stops) | (len(rows) == 1)
            # Without trips the clock goes on from the need itself, so that whole days do not slow it down.
            since = need if self.shopping == 1.0 else bought
            need = np.maximum(since + rng.gamma(self.regularity, 1 / (self.regularity * rates)), bought + 1e-9)
        who, what, day = np.hstack(rows).astype(np.int32)
        return bought_by(who, what, day + START, units, len(self.factors), customers, START + days - 1)


def bought_by(
    customers: "np.ndarray[tuple[int], np.dtype[np.int32]]",
    units: "np.ndarray[tuple[int], np.dtype[np.int32]]",
    days: "np.ndarray[tuple[int], np.dtype[np.int32]]",
    unit_count: int,
    departments: int,
    customer_count: int,
    day: int,
) -> Purchases:
    """Purchases of units that take turns among `departments`; packs and prices follow from the row, not from chance."""
    return Purchases.of(
        customers,
        units,
        days,
        1.0 + (customers + days) % 3,
        np.where(days % 5 == 0, np.nan, 1.0 - 0.1 * (days % 4)),
        ids("unit", unit_count),
        (np.arange(unit_count) % departments).astype(np.int32),
        ids("department", departments),
        customer_count,
        day,
    )


def together(one: Purchases, other: Purchases) -> Purchases:
    """The customers of two worlds of the same units, on the same days, in one shop."""
    return Purchases.of(
        np.concatenate([one.customers, other.customers + np.int32(one.customer_count)]),
        np.concatenate([one.units, other.units]),
        np.concatenate([one.days, other.days]),
        np.concatenate([one.packs, other.packs]),
        np.concatenate([one.prices, other.prices]),
        one.unit_ids,
        one.parents,
        one.parent_ids,
        one.customer_count + other.customer_count,
        max(one.day, other.day),
    )


def ids(word: str, count: int) -> Ids:
    """Sorted ids that are not all of one length or alphabet."""
    return np.array(sorted(f"{'яßb'[code % 3]} {word} {code}" for code in range(count)), object)


def _next_trips(
    shopping: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]",
) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """The first shopping day from each day on, (customers, days + 1); `days` where none is left."""
    customers, days = shopping.shape
    when = np.where(shopping, np.arange(days), days)
    later = np.minimum.accumulate(when[:, ::-1], axis=1)[:, ::-1]
    return np.hstack([later, np.full((customers, 1), days)])
