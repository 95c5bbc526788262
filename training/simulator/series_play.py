"""Episodes lived through: a policy decides step by step, and what came of it is a log to learn from."""

from dataclasses import dataclass

import numpy as np

from models.policies.base import FittedPolicy, choose
from models.policies.contexts import Contexts
from models.policies.logged import LoggedDecisions
from training.simulator.logs import joined
from training.simulator.play import A_DAY
from training.simulator.series import STEPS, Series


@dataclass(frozen=True)
class Lived:
    """What `count` episodes brought on average, and every decision of theirs, those of one step together."""

    reward: float
    messages: float
    log: LoggedDecisions


def live(series: Series, policy: FittedPolicy, customers: Contexts, rng: np.random.Generator, first: int = 0) -> Lived:
    """Let `policy` decide about `customers`, whose episodes are numbered from `first` on. Who bought is left alone."""
    n = len(customers)
    touches, engaged, gone = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    here = np.arange(n)
    logs, reward, sent = [], 0.0, 0
    for step in range(1, STEPS + 1):
        known = series.at(customers.take(here), step, touches[here], engaged[here])
        eligible = series.eligible(customers.take(here), step, gone[here])
        choice = choose(policy.probabilities(known, eligible), eligible, rng.random(len(here)))
        chances = series.chances(known, eligible)
        spoken = ~eligible.silent[choice.rows]
        bought, leaves, engages = (
            rng.random(len(here)) < part[choice.rows] for part in (chances.buys, chances.leaves, chances.engages)
        )
        rewards = np.where(bought, chances.earned[choice.rows], 0.0) - chances.costs[choice.rows]
        rewards -= series.world.departures.worth * leaves
        reward, sent = reward + float(rewards.sum()), sent + int(spoken.sum())
        touches[here] += spoken
        engaged[here] = np.maximum(engaged[here], engages)
        gone[here] |= leaves
        logs.append(
            LoggedDecisions(
                known,
                eligible,
                choice.rows,
                choice.propensities,
                rewards,
                np.ones(len(here), bool),
                first + here,
                first + here,
                np.full(len(here), step),
                (first + here) / A_DAY + 2.0 * (step - 1),
            )
        )
        here = here[~bought]
    return Lived(reward / n, sent / n, joined(logs))
