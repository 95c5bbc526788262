"""Marginalised inverse propensity scores (Saito & Joachims, 2022): weights of what an action is made of.

Where only some factors move the reward, two actions that share them are one: the log of either says what both earn,
and the weights are smaller. What is left out must do nothing, or the value is biased by it.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.arrays import Floats
from models.off_policy.base import Evidence, Scores
from models.policies.eligible import FACTORS


@dataclass(frozen=True)
class MarginalisedIPS:
    """`factors` are those that count; with all of them, where no two actions share all, it is IPS."""

    factors: tuple[str, ...] = ("channel", "delay", "argument", "incentive")
    name: ClassVar[str] = "mips"

    def __post_init__(self) -> None:
        if unknown := set(self.factors) - set(FACTORS):
            raise ValueError(f"no factor is called {sorted(unknown)}; there are {FACTORS}")

    def scores(self, evidence: Evidence) -> Scores:
        """Marginal weight times reward."""
        return Scores.mean_of(marginal_weights(evidence, self.factors) * evidence.log.rewards)


def marginal_weights(evidence: Evidence, factors: tuple[str, ...]) -> Floats:
    """How much more likely the policy takes any action that shares `factors` with what was taken."""
    if evidence.logging is None:
        raise ValueError("marginal weights need the logged probability of every eligible row; give `logging`")
    log, eligible = evidence.log, evidence.log.eligible
    codes = eligible.codes[:, [FACTORS.index(name) for name in factors]]
    alike = (codes == np.repeat(codes[log.chosen], eligible.counts, axis=0)).all(axis=1)
    weights: Floats = eligible.total(evidence.target * alike) / eligible.total(evidence.logging * alike)
    return weights
