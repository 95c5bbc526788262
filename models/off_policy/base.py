"""What an off-policy estimator is: one score a decision, whose mean is what a policy would earn. Read this page first.

A log says what came of the actions that were taken. An estimator turns it, the probabilities of the policy that is
asked about and, where there is one, a model of the reward into `Scores`; means, intervals, paired differences and
refusals are written once over these. Everything else in this folder is a variation on `Estimator`, or judges what it
needs: `reward_model.py`, `cross_fitted.py`, `intervals.py`, `diagnostics.py`, `slope.py`.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from models.arrays import Floats
from models.policies.logged import LoggedDecisions

_SUM = 1e-6


@dataclass(frozen=True)
class Evidence:
    """A log, and what a policy would have done in its place.

    `target`, one a row of `log.eligible`, is the probability of the row under the policy that is asked about.
    `predicted`, one a row, is the reward that a model expects; for each decision from a model that has not seen its
    customer. `logging`, one a row, is the probability that the row had when the decision was logged.
    """

    log: LoggedDecisions
    target: Floats
    predicted: Floats | None = None
    logging: Floats | None = None

    def __post_init__(self) -> None:
        rows = len(self.log.eligible.codes)
        for name in ("target", "predicted", "logging"):
            given: Floats | None = getattr(self, name)
            if given is not None and given.shape != (rows,):
                raise ValueError(f"{name} has shape {given.shape}; it needs one entry for each of {rows} eligible rows")
        for name in ("target", "logging"):
            given = getattr(self, name)
            if given is None:
                continue
            if (given < 0).any() or np.abs(self.log.eligible.total(given) - 1).max() > _SUM:
                raise ValueError(f"{name} must be probabilities that sum to 1 over the actions of each decision")
        if self.predicted is not None and not np.isfinite(self.predicted).all():
            raise ValueError("a predicted reward is not finite")

    @property
    def weights(self) -> Floats:
        """How much more likely the policy takes what was taken: the importance weight of each decision."""
        weights: Floats = self.target[self.log.chosen] / self.log.propensities
        return weights

    @property
    def predictions(self) -> Floats:
        """`predicted`, which whoever calls this cannot do without."""
        if self.predicted is None:
            raise ValueError("this estimator needs a reward model; give `predicted`, e.g. of reward_model.cross_fitted")
        return self.predicted

    @property
    def residuals(self) -> Floats:
        """What each decision earned beyond what the reward model expected of the action."""
        residuals: Floats = self.log.rewards - self.predictions[self.log.chosen]
        return residuals


@dataclass(frozen=True)
class Scores:
    """One score a decision; the value is their mean over the mean of `weights`, which are 1 but for ratios.

    `corrections` are the weights with which what a reward model missed was added to what it expects of the policy;
    None where there is no model. They say how far the value rests on it, so its error can be part of the interval.
    """

    values: Floats
    weights: Floats
    corrections: Floats | None = field(default=None, repr=False)

    @classmethod
    def mean_of(cls, values: Floats, corrections: Floats | None = None) -> "Scores":
        """Scores whose plain mean is the value."""
        return cls(values, np.ones(len(values)), corrections)

    @property
    def value(self) -> float:
        """What the policy would earn a decision."""
        return float(self.values.mean() / self.weights.mean())

    @property
    def contributions(self) -> Floats:
        """One a decision, whose plain mean is the value: for a ratio its linear part (delta method)."""
        value = self.value
        contributions: Floats = value + (self.values - value * self.weights) / self.weights.mean()
        return contributions


class Estimator(Protocol):
    """A frozen dataclass of its settings."""

    name: ClassVar[str]

    def scores(self, evidence: Evidence) -> Scores:
        """One score a decision."""
        ...


def augmented(evidence: Evidence, weights: Floats) -> Scores:
    """The reward that the model expects of the policy, and `weights` times what the model missed of each decision.

    With the importance weights themselves it has no bias, whatever the model; with smaller ones it leans on the model.
    """
    expected = evidence.log.eligible.total(evidence.target * evidence.predictions)
    return Scores.mean_of(expected + weights * evidence.residuals, weights)
