"""Worlds made to catch a policy, a report or a gate that sees what is not there."""

import numpy as np

from models.arrays import Floats
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions
from training.simulator.response import Response
from training.simulator.world import World


def alike(seed: int) -> World:
    """Everybody reacts alike, at any hour: nothing is to be gained over the best message for all but silence where a
    cart is worth less than the message's price."""
    return World(seed, response=Response(personal=False, hours=0.0))


def harmful(seed: int) -> World:
    """Every message lowers the odds of an order: the best is silence."""
    return World(seed, response=Response(harm=1.2))


def all_organic(seed: int) -> World:
    """Messages do nothing: every order comes by itself, though many come after a message. Last-click attribution
    credits them all."""
    return World(seed, response=Response(dead=True))


def turning(seed: int) -> tuple[World, World]:
    """A shop before and after a change of season: who liked it late now likes it early."""
    before = World(seed)
    return before, before.turned()


def misreported(eligible: Eligible, logging: Floats) -> Floats:
    """Probabilities as a broken log tells them: the roots of those that were drawn from, made to sum to 1."""
    roots = np.sqrt(logging)
    told: Floats = roots / eligible.total(roots)[eligible.decisions]
    return told


def last_click(log: LoggedDecisions, bought_after: Floats) -> float:
    """The mean reward of decisions that last-click attribution credits to messages: all of it where an order came after
    one was sent."""
    delays = log.eligible.numbers[log.chosen, 0] / 24
    after = ~log.eligible.silent[log.chosen] & (bought_after >= delays) & np.isfinite(bought_after)
    return float(np.where(after, log.rewards, 0.0).mean())
