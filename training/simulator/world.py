"""A made shop whose truth is known: the exact expected reward of every action, and draws of what comes of one.

Everything that is not the seed of a draw is in the `World`; a population is what a generator draws from it. The reward
is what the shop earns: the margin of every order in the window, whoever caused it, less the discount, the message, and
what a customer lost to the channel is worth.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit, logit

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts
from training.simulator.customers import contexts, left_at, pressure
from training.simulator.delays import Delays
from training.simulator.menu import Menu
from training.simulator.organic import Organic
from training.simulator.response import Response


@dataclass(frozen=True)
class Departures:
    """Who unsubscribes: `chance` of each message, `more` in log odds for each message still felt; `worth` is what such
    a customer would have earned."""

    chance: float = 0.004
    more: float = 0.25
    worth: float = 8.0

    def probabilities(self, known: Contexts, half_life: float) -> Floats:
        """The chance that a message now makes each customer leave the channel."""
        leaving: Floats = expit(logit(self.chance) + self.more * pressure(known, half_life))
        return leaving


@dataclass(frozen=True)
class Drawn:
    """What came of one action of each of n decisions.

    `known_after` is how many days after the decision the whole reward is known: an order when its news arrives, no
    order when the window has closed. `bought_after` is in days, infinite for those who did not.
    """

    rewards: Floats
    known_after: Floats
    bought_after: Floats
    unsubscribed: Mask

    @property
    def columns(self) -> tuple[Floats, Floats, Floats, Mask]:
        """All of it, in the order of the fields."""
        return self.rewards, self.known_after, self.bought_after, self.unsubscribed

    @property
    def bought(self) -> Mask:
        """Who placed an order within the window."""
        return np.isfinite(self.bought_after)


@dataclass(frozen=True)
class World:
    """A shop, numbered by `seed`: two worlds with other seeds have other customers' tastes, alike in strength."""

    seed: int = 0
    menu: Menu = field(default_factory=Menu)
    organic: Organic = field(default_factory=Organic)
    response: Response = field(default_factory=Response)
    departures: Departures = field(default_factory=Departures)
    delays: Delays = field(default_factory=Delays)

    def contexts(self, rng: np.random.Generator, n: int) -> tuple[Contexts, Eligible]:
        """`n` customers who left a cart, and what may be sent to each."""
        known = contexts(rng, n)
        values = known.columns(["cart_value"])[:, 0]
        return known, self.menu.eligible(left_at(known), values, self.menu.consents(rng, n))

    def purchases(self, known: Contexts, eligible: Eligible) -> Floats:
        """The chance of an order within the window after each row."""
        of = eligible.decisions
        added = self.response.log_odds(self.seed, known, eligible)
        chances: Floats = expit(logit(self.organic.probabilities(known))[of] + added)
        return chances

    def values(self, known: Contexts, eligible: Eligible) -> Floats:
        """The exact expected reward of each row of `eligible`."""
        of, spoken = eligible.decisions, ~eligible.silent
        lost = self.departures.worth * self.departures.probabilities(known, self.response.half_life)[of]
        earned = self.purchases(known, eligible) * self._earned(known, eligible)
        expected: Floats = earned - np.where(spoken, eligible.numbers[:, 2] + lost, 0.0)
        return expected

    def draw(self, rng: np.random.Generator, known: Contexts, eligible: Eligible, rows: Starts) -> Drawn:
        """What comes of taking row `rows[i]` in decision i."""
        n = len(rows)
        taken = Eligible(np.arange(n + 1), eligible.labels, eligible.codes[rows], eligible.numbers[rows])
        chance, spoken = self.purchases(known, taken), ~taken.silent
        anyway = self.organic.probabilities(known)
        bought = rng.random(n) < chance
        caused = rng.random(n) * chance > anyway
        left = spoken & (rng.random(n) < self.departures.probabilities(known, self.response.half_life))
        hours = np.where(caused, self.delays.after(rng, taken.numbers[:, 0]), self.organic.hours(rng, known)) / 24
        news = self.delays.news(rng, n)
        size = rng.lognormal(-(self.delays.spread**2) / 2, self.delays.spread, n)
        earned = np.where(bought, size * self._earned(known, taken), 0.0)
        costs = np.where(spoken, taken.numbers[:, 2], 0.0) + self.departures.worth * left
        known_after = np.where(bought, hours, self.delays.window_days) + news
        return Drawn(earned - costs, known_after, np.where(bought, hours, np.inf), left)

    def turned(self) -> "World":
        """The same shop after a change of season: who liked it late likes it early, and the other way round."""
        return replace(self, response=replace(self.response, flipped=not self.response.flipped))

    def _earned(self, known: Contexts, eligible: Eligible) -> Floats:
        """What an order after each row earns on average."""
        value, margin = known.columns(["cart_value", "margin"]).T
        earned: Floats = (value * margin)[eligible.decisions] - eligible.numbers[:, 3]
        return earned
