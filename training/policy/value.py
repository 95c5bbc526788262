"""What a candidate would have earned in place of who decided: every estimate of it, on one log, as paired differences.

The candidate and its opponent are valued on the same decisions, so what the decisions have in common cancels. The
reward model is learned inside the log by folds of customers, and its own error is part of each interval: what chance
does to it, and what it may miss because it shrinks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Floats
from models.off_policy.base import Estimator, Evidence
from models.off_policy.cross_fitted import CrossFitted
from models.off_policy.direct import Direct
from models.off_policy.doubly_robust import DoublyRobust
from models.off_policy.intervals import Bounds, Clusters, empirical_likelihood
from models.off_policy.ips import IPS
from models.off_policy.marginalised import MarginalisedIPS
from models.off_policy.reward_features import LIKED
from models.off_policy.reward_model import RewardModel
from models.off_policy.slope import CLIPS, least_biased
from models.off_policy.snips import SNIPS
from models.off_policy.switch import SwitchDR
from models.policies.logged import LoggedDecisions
from training.policy.folds import folds_of

ONE_SIDED = 0.90
"""The level of a two-sided interval whose lower end is a one-sided bound of 95 %."""

START = 10.0
CHOSEN = "clipped dr"


@dataclass(frozen=True)
class Compared:
    """Two policies on one log: `target`, one a row, of the candidate; `opponent` likewise, None for who decided.

    `logging`, one a row, is the probability that the row had when the decision was logged, where that is known.
    """

    log: LoggedDecisions
    target: Floats
    opponent: Floats | None = None
    logging: Floats | None = None


@dataclass(frozen=True)
class Estimate:
    """What one estimator says: the candidate's value a decision, what the opponent earned, and their difference.

    `difference` is the two-sided 95 % interval; `least` the one-sided lower bound of 95 %. `apart` is by how many
    standard errors the difference is another than that of the chosen estimate, 0 for that one.
    """

    name: str
    value: Bounds
    difference: Bounds
    least: float
    apart: float = 0.0


@dataclass(frozen=True)
class Valued:
    """The estimate that counts, with clipped weights, and all others beside it; `base` is the opponent's value.

    `ladder` is the candidate's value at each clip: how far it follows from the choice of one.
    """

    clip: float
    ladder: Mapping[float, float]
    chosen: Estimate
    beside: tuple[Estimate, ...]
    base: float

    def of(self, name: str) -> Estimate:
        """The estimate called so."""
        return next(each for each in (self.chosen, *self.beside) if each.name == name)


def value(
    compared: Compared,
    model: RewardModel | None = None,
    outcomes: Floats | None = None,
    clips: tuple[float, ...] = CLIPS,
) -> Valued:
    """Every estimate of `compared`. With `outcomes` (one a decision) these are valued instead of the rewards."""
    log, recipe = compared.log, model or RewardModel()
    ours = _side(compared, compared.target, recipe, outcomes)
    other = None if compared.opponent is None else _side(compared, compared.opponent, recipe, outcomes)
    seen = ours.evidence.log.rewards

    def pair(estimator: Estimator) -> _Pair:
        its = _Told(seen, np.zeros(0)) if other is None else other.told(estimator)
        return _Pair(ours.told(estimator), its)

    ladder = [pair(DoublyRobust(clip)) for clip in clips]
    differences = [each.apart for each in ladder]
    place = least_biased(differences, log.customers, clips, START)
    estimates = [_estimate(CHOSEN, ladder[place], log)]
    beside: list[Estimator] = [DoublyRobust(), SNIPS(), Direct(), IPS(), SwitchDR()]
    if compared.logging is not None:
        beside.append(MarginalisedIPS())
    estimates += [_estimate(each.name, pair(each), log, differences[place]) for each in beside]
    values = {clip: float(each.ours.contributions.mean()) for clip, each in zip(clips, ladder, strict=True)}
    base = float(ladder[place].its.contributions.mean())
    return Valued(clips[place], values, estimates[0], tuple(estimates[1:]), base)


@dataclass(frozen=True)
class _Told:
    """What an estimator says of one policy: a contribution a decision, and the parts of `CrossFitted.doubt`."""

    contributions: Floats
    doubt: Floats


@dataclass(frozen=True)
class _Pair:
    """What it says of both."""

    ours: _Told
    its: _Told

    @property
    def apart(self) -> Floats:
        """By how much each decision says that ours is better."""
        return self.ours.contributions - self.its.contributions

    @property
    def doubt(self) -> float:
        """The error of the difference because of shrinkage: that of what both lean on alike cancels."""
        ours, its = self.ours.doubt, self.its.doubt
        if not len(ours) or not len(its):
            return float(np.linalg.norm(np.concatenate([ours, its])))
        shared = ours[:-LIKED] - its[:-LIKED]
        return float(np.linalg.norm(np.concatenate([shared, ours[-LIKED:], its[-LIKED:]])))


@dataclass(frozen=True)
class _Side:
    """One of the two policies, with what the reward model expects where it goes."""

    evidence: Evidence
    fitted: CrossFitted

    def told(self, estimator: Estimator) -> _Told:
        """What an estimator says, the reward model's own error with it."""
        scores = estimator.scores(self.evidence)
        if scores.corrections is None:
            return _Told(scores.contributions, np.zeros(0))
        carried = self.fitted.carried(scores.corrections)
        return _Told(scores.contributions + carried, self.fitted.doubt(scores.corrections))


def _side(compared: Compared, target: Floats, model: RewardModel, outcomes: Floats | None) -> _Side:
    log = compared.log
    fitted = model.cross_fitted(log, target, folds_of(log.customers), outcomes)
    valued = log if outcomes is None else replace(log, rewards=outcomes)
    return _Side(Evidence(valued, target, fitted.predicted, compared.logging), fitted)


def _estimate(name: str, pair: _Pair, log: LoggedDecisions, chosen: Floats | None = None) -> Estimate:
    difference = Clusters.of(pair.apart, log.customers)
    apart = 0.0
    if chosen is not None:
        beyond = Clusters.of(pair.apart - chosen, log.customers)
        apart = beyond.mean / beyond.error if beyond.error > 0 else 0.0
    value_ = empirical_likelihood(Clusters.of(pair.ours.contributions, log.customers))
    return Estimate(
        name,
        value_.widened(float(np.linalg.norm(pair.ours.doubt))),
        empirical_likelihood(difference).widened(pair.doubt),
        empirical_likelihood(difference, ONE_SIDED).widened(pair.doubt, ONE_SIDED).low,
        apart,
    )
