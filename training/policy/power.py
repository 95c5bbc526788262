"""What a shop's traffic can prove: the smallest uplift that the gate would see four times in five.

Said before anybody waits for it: half the uplift takes four times the decisions.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from models.off_policy.base import Evidence, augmented
from models.off_policy.intervals import Clusters
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions
from models.policies.rule import certain
from training.policy.value import Valued


@dataclass(frozen=True)
class Provable:
    """`uplift` a decision in the currency of the reward, and as a `share` of what a decision earns (NaN if nothing)."""

    decisions: int
    uplift: float
    share: float
    chance: float

    def __str__(self) -> str:
        return f"{self.decisions:,} decisions can prove {self.share:+.0%} or more, {self.chance:.0%} of the time"

    def after(self, decisions: int) -> "Provable":
        """What another number of decisions can prove."""
        ratio = float(np.sqrt(self.decisions / decisions))
        return Provable(decisions, self.uplift * ratio, self.share * ratio, self.chance)


def provable(error: float, decisions: int, earned: float, level: float = 0.95, chance: float = 0.8) -> Provable:
    """From the standard `error` of a difference over `decisions`: what a one-sided bound of `level` is above 0 for.

    >>> print(provable(0.004, 20_000, 0.05))
    20,000 decisions can prove +20% or more, 80% of the time
    """
    if decisions < 1 or error < 0:
        raise ValueError("power needs at least one decision and an error that is not negative")
    least = float(norm.ppf(level) + norm.ppf(chance)) * error
    return Provable(decisions, least, least / earned if earned > 0 else float("nan"), chance)


def of_comparison(valued: Valued, decisions: int) -> Provable:
    """What the log of a comparison that was made can prove, read from the width of its interval."""
    interval = valued.chosen.difference
    return provable((interval.high - interval.low) / (2 * norm.ppf(0.975)), decisions, valued.base)


def of_log(log: LoggedDecisions, clip: float = 10.0) -> Provable:
    """What `log` could prove of a policy not known yet: one that settles on another action in each decision.

    For the noise of that, each decision's candidate is an action drawn by its number, with the usual floor; the reward
    model is the mean, so the figure errs on the careful side.
    """
    counts = log.eligible.counts
    drawn = np.random.default_rng(0).integers(counts) + log.eligible.starts[:-1]
    target = floored(certain(drawn, log.eligible), log.eligible)
    evidence = Evidence(log, target, np.full(len(target), log.rewards.mean()))
    scores = augmented(evidence, np.minimum(evidence.weights, clip))
    error = Clusters.of(scores.contributions - log.rewards, log.customers).error
    return provable(error, len(log), float(log.rewards.mean()))
