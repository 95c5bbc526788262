"""Worlds so small that every log they can give may be listed, and larger ones whose truth is planted."""

from itertools import product

import numpy as np

from models.arrays import Floats
from models.policies.base import choose
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions

SILENCE = ({}, {})
MESSAGES = tuple(
    ({"channel": channel, "delay": delay, "hour": hour}, {"cost": 0.001, "delay_hours": hours})
    for channel in ("email", "sms")
    for delay, hours in (("1h", 1.0), ("24h", 24.0))
    for hour in ("09-12", "18-21")
)


def every_log(eligible: Eligible, logging: Floats, values: Floats):
    """Every log of these decisions, with its probability; the reward is the value of the row that was taken."""
    choices = [range(start, end) for start, end in zip(eligible.starts[:-1], eligible.starts[1:], strict=True)]
    contexts = Contexts.of([{"x": float(number)} for number in range(len(eligible))])
    for taken in product(*choices):
        rows = np.array(taken, np.int64)
        if (logging[rows] > 0).all():
            log = LoggedDecisions.of(contexts, eligible, rows, logging[rows], values[rows])
            yield float(np.prod(logging[rows])), log


def shop(rng: np.random.Generator, n: int, sharp: float = 2.0, decisions_each: int = 1):
    """n decisions of a shop with 8 messages: contexts, chances of an order of each row, logging, and a log of it."""
    known = Contexts(("a", "b"), rng.normal(size=(n, 2)))
    one = Eligible.of([[SILENCE, *MESSAGES]])
    eligible = one.take(np.zeros(n, np.int64))
    a, b = np.repeat(known.values, 9, axis=0).T
    delayed = np.tile(np.array([0, 0, 0, 1, 1, 0, 0, 1, 1.0]), n)
    early = np.tile(np.array([0, 1, 1, 0, 0, 1, 1, 0, 0.0]), n)
    sms = np.tile(np.array([0.0] * 5 + [1.0] * 4), n)
    odds = -2.2 + 0.5 * a + delayed * (0.5 + 0.4 * b) - 0.5 * early + 0.2 * sms * a
    orders = 1 / (1 + np.exp(-odds))
    scores = np.exp(sharp * (0.4 * sms * b + 0.3 * early + 0.1 * delayed))
    logging = 0.9 * scores / np.repeat(eligible.total(scores), 9) + 0.1 / 9
    chosen = choose(logging, eligible, rng.random(n))
    rewards = (rng.random(n) < orders[chosen.rows]) - eligible.numbers[chosen.rows, 2]
    log = LoggedDecisions.of(known, eligible, chosen.rows, chosen.propensities, rewards.astype(float))
    if decisions_each > 1:
        customers = log.customers // decisions_each
        log = LoggedDecisions(**{**log.__dict__, "customers": customers})
    return orders - eligible.numbers[:, 2], logging, log


def floored(greedy: Floats, eligible: Eligible) -> Floats:
    """The policy that takes the largest of `greedy`, with a floor of 10 %."""
    best = greedy == np.repeat(eligible.most(greedy), eligible.counts)
    share = best / np.repeat(eligible.total(best.astype(float)), eligible.counts)
    return 0.9 * share + 0.1 / eligible.counts[eligible.decisions]
