"""A cart that may be written about up to four times: what each message does depends on the ones before it.

An episode is a chain of decisions, one each two days. Its state is small on purpose: how many messages were sent, and
whether the customer engaged with one, or left the channel; who bought is done. So the best series can be found exactly.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from training.simulator.customers import left_at, traits
from training.simulator.menu import Delay, Menu
from training.simulator.world import World

STEPS = 4
_HOURS = ((1.0, 24.0), (48.0, 72.0), (96.0, 120.0), (144.0, 168.0))
_NAMES = tuple(tuple(f"{hours:.0f}h" for hours in step) for step in _HOURS)
_DELAY = FACTORS.index("delay")


def _menu() -> Menu:
    delays = tuple(Delay(f"{hours:.0f}h", hours) for step in _HOURS for hours in step)
    return Menu(delays=delays)


@dataclass(frozen=True)
class Chances:
    """What may happen after each row: a purchase, what it earns on average, being engaged from then on (if not yet),
    leaving the channel, and what the message costs. Each of shape (rows)."""

    buys: Floats
    earned: Floats
    engages: Floats
    leaves: Floats
    costs: Floats


@dataclass(frozen=True)
class Series:
    """The rules of an episode in `world`, whose messages have the delays of all four steps.

    `organic` is the share of the organic chance that falls on each step. Each message before takes `worn` from the log
    odds of the next one; being engaged adds `warm` to them, and half as much without a message. `engaging` is
    the log odds that a message engages an average customer; more so those who open much.
    """

    world: World
    organic: tuple[float, ...] = (0.55, 0.22, 0.13, 0.10)
    worn: float = 0.35
    warm: float = 0.5
    engaging: float = -0.8

    @classmethod
    def of(cls, seed: int) -> "Series":
        """In the world of `seed`."""
        return cls(World(seed=seed, menu=_menu()))

    def at(self, customers: Contexts, step: int, touches: int | Floats, engaged: bool | Floats) -> Contexts:
        """What is known of `customers` at a step (from 1 on) in a state."""
        more = np.broadcast_arrays(float(step), touches, np.asarray(engaged, np.float64), np.empty(len(customers)))
        columns = np.column_stack([customers.values, *more[:3]])
        return Contexts((*customers.names, "step", "episode_touches", "engaged"), columns)

    def eligible(self, customers: Contexts, step: int, gone: Mask | None = None) -> Eligible:
        """What may be sent to each at a step: the two delays of the step; only silence to those who are `gone`."""
        values = customers.columns(["cart_value"])[:, 0]
        menu = self.world.menu
        reached = np.ones((len(customers), len(menu.channels)), bool)
        if gone is not None:
            reached &= ~gone[:, None]
        whole = menu.eligible(left_at(customers), values, reached)
        codes = [whole.labels[_DELAY].index(name) for name in _NAMES[step - 1]]
        kept = whole.silent | np.isin(whole.codes[:, _DELAY], codes)
        counts = whole.total(kept.astype(np.float64)).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Eligible(starts, whole.labels, whole.codes[kept], whole.numbers[kept])

    def chances(self, known: Contexts, eligible: Eligible) -> Chances:
        """What may happen after each row, for customers in the states that `known` tells."""
        world, of, spoken = self.world, eligible.decisions, ~eligible.silent
        steps, touches, engaged, value, margin = known.columns(
            ["step", "episode_touches", "engaged", "cart_value", "margin"]
        ).T
        anyway = world.organic.probabilities(known) * np.array(self.organic)[steps.astype(np.int64) - 1]
        added = world.response.log_odds(world.seed, known, eligible) - self.worn * touches[of] * spoken
        added += self.warm * engaged[of] * np.where(spoken, 1.0, 0.5)
        leaving = logit(world.departures.probabilities(known, world.response.half_life))
        engaging = expit(self.engaging + 0.5 * traits(known)[:, 5])
        return Chances(
            np.asarray(expit(logit(anyway)[of] + added), np.float64),
            (value * margin)[of] - eligible.numbers[:, 3],
            np.where(spoken, engaging[of], 0.0),
            np.where(spoken, expit(leaving + world.departures.more * touches)[of], 0.0),
            np.where(spoken, eligible.numbers[:, 2], 0.0),
        )
