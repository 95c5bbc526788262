"""Who abandons a cart, and with what in it: drawn, and told as the context of a decision.

All that moves a made customer stands in the context, so that the expected reward of an action is a function of the
context and the optimum can be enumerated.
"""

import numpy as np

from models.arrays import Floats
from models.policies.contexts import Contexts
from training.simulator.shop_hours import CARTS_BY_HOUR, CARTS_BY_WEEKDAY, HOURS, week

NAMES = (
    "cart_value",
    "items",
    "margin",
    "checkout_step",
    "frequency",
    "is_new",
    "recency_days",
    "opens_share",
    "device_mobile",
    "touches_30d",
    "last_touch_days",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
)
"""The names of the contexts; values in currency, days and shares, the hour and weekday that the cart was left as angles
on the clock. `recency_days` is not known of those who never bought, `last_touch_days` of those who were never written
to."""

TRAITS = ("big", "dear", "late", "loyal", "recent", "opens", "mobile", "evening")
"""What a customer's reaction depends on, each about 0 on average with a deviation of about 1."""

_NEVER = 400.0


def contexts(rng: np.random.Generator, n: int) -> Contexts:
    """Draw `n` customers who just left a cart."""
    items = 1.0 + rng.poisson(1.6, n)
    price = rng.lognormal(np.log(20.0), 0.7, n)
    frequency = rng.poisson(rng.gamma(0.7, 2.5, n)).astype(np.float64)
    is_new = frequency == 0
    touches = rng.poisson(rng.gamma(1.0, 1.5, n)).astype(np.float64)
    moment = rng.choice(week(CARTS_BY_HOUR, CARTS_BY_WEEKDAY).size, n, p=week(CARTS_BY_HOUR, CARTS_BY_WEEKDAY))
    hour, weekday = 2 * np.pi * (moment % HOURS) / HOURS, 2 * np.pi * (moment // HOURS) / 7
    columns = {
        "cart_value": items * price,
        "items": items,
        "margin": 0.2 + 0.25 * rng.beta(2.0, 2.0, n),
        "checkout_step": rng.choice(4, n, p=(0.55, 0.2, 0.15, 0.1)).astype(np.float64),
        "frequency": frequency,
        "is_new": is_new.astype(np.float64),
        "recency_days": np.where(is_new, np.nan, rng.exponential(60.0, n)),
        "opens_share": rng.beta(1.2, 2.5, n),
        "device_mobile": (rng.random(n) < 0.6).astype(np.float64),
        "touches_30d": touches,
        "last_touch_days": np.where(touches == 0, np.nan, 30.0 * rng.beta(1.0, 1.0 + touches)),
        "hour_sin": np.sin(hour),
        "hour_cos": np.cos(hour),
        "weekday_sin": np.sin(weekday),
        "weekday_cos": np.cos(weekday),
    }
    return Contexts(NAMES, np.column_stack([columns[name] for name in NAMES]))


def left_at(known: Contexts) -> Floats:
    """The hour of the week (0 to 167, Monday's first is 0) in which each cart was left, read from the angles."""
    hour_sin, hour_cos, day_sin, day_cos = known.columns(["hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]).T
    hour = np.rint(np.arctan2(hour_sin, hour_cos) / (2 * np.pi) * HOURS) % HOURS
    weekday = np.rint(np.arctan2(day_sin, day_cos) / (2 * np.pi) * 7) % 7
    moment: Floats = weekday * HOURS + hour
    return moment


def traits(known: Contexts) -> Floats:
    """Shape (decisions, TRAITS). What is not known counts as long ago."""
    value, items, step, frequency, recency, opens, mobile = known.columns(
        ["cart_value", "items", "checkout_step", "frequency", "recency_days", "opens_share", "device_mobile"]
    ).T
    return np.column_stack(
        [
            (np.log1p(items) - 1.2) / 0.4,
            np.log(value / items / 20.0) / 0.7,
            (step - 0.8) / 1.0,
            (np.log1p(frequency) - 0.7) / 0.7,
            1.5 * np.exp(-np.nan_to_num(recency, nan=_NEVER) / 45.0) - 0.6,
            (opens - 0.32) / 0.22,
            (mobile - 0.6) / 0.5,
            np.nan_to_num(-known.columns(["hour_sin"])[:, 0]) * 1.2 + 0.3,
        ]
    )


def pressure(known: Contexts, half_life: float) -> Floats:
    """How much of the messages of the last 30 days is still felt: touches, halved each `half_life` days since the last.

    >>> one = Contexts.of([{"touches_30d": 2.0, "last_touch_days": 15.0}])
    >>> pressure(one, half_life=15.0).tolist()
    [1.0]
    """
    touches, days = known.columns(["touches_30d", "last_touch_days"]).T
    felt: Floats = np.nan_to_num(touches) * 0.5 ** (np.nan_to_num(days, nan=_NEVER) / half_life)
    return felt
