"""Who would have bought anyway, and when: a hazard by hour of the week that fades as the cart grows old."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.arrays import Floats
from models.policies.contexts import Contexts
from training.simulator.customers import left_at, traits
from training.simulator.shop_hours import ORDERS_BY_HOUR, ORDERS_BY_WEEKDAY, RETURN_HOURS, WEEK, week

WINDOW_HOURS = 120
"""Orders count for five days."""

_TRAITS = (0.05, -0.2, 0.45, 0.35, 0.35, 0.2, -0.1, 0.05)
"""What each of `customers.TRAITS` adds to the log odds of buying: who had begun to pay, and who bought lately, comes
back; dear things are thought over."""


@dataclass(frozen=True)
class Organic:
    """Purchases without any message; `level` sets 4.3 % of carts that end in an order within the window."""

    level: float = -3.44

    def probabilities(self, known: Contexts) -> Floats:
        """The chance of an order within the window, shape (decisions)."""
        busy = np.log(_by_moment().sum(axis=1))[left_at(known).astype(np.int64)]
        chances: Floats = expit(self.level + traits(known) @ np.array(_TRAITS) + busy)
        return chances

    def hours(self, rng: np.random.Generator, known: Contexts) -> Floats:
        """How many hours after the cart was left an order comes, given that one comes: shape (decisions)."""
        law = _by_moment()
        cumulative = np.cumsum(law / law.sum(axis=1, keepdims=True), axis=1)[left_at(known).astype(np.int64)]
        hour = (cumulative < rng.random(len(known))[:, None]).sum(axis=1)
        hours: Floats = np.minimum(hour, WINDOW_HOURS - 1) + rng.random(len(known))
        return hours


def _by_moment() -> Floats:
    """The hazard of each hour after a cart was left in each hour of the week, shape (168, WINDOW_HOURS), mean sum 1."""
    ages = np.arange(WINDOW_HOURS)
    deciles = np.array(RETURN_HOURS)
    fading = np.interp(ages + 1.0, deciles, np.linspace(0, 1, len(deciles))) - np.interp(
        ages.astype(np.float64), deciles, np.linspace(0, 1, len(deciles))
    )
    fading[0] += fading[1]  # the set says when after an hour, not when within the first
    active = week(ORDERS_BY_HOUR, ORDERS_BY_WEEKDAY)[(np.arange(WEEK)[:, None] + ages) % WEEK]
    law: Floats = active * fading / (active * fading).sum(axis=1).mean()
    return law
