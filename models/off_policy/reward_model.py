"""What an action earns in a context, learned from other customers than those it is asked about.

The expected outcome is `exp(organic part + advantage)`: a message that helps, helps those more who buy more anyway, so
effects multiply. The advantage over silence is linear in what the action is made of; the scale of each group of
coefficients comes from the data (evidence maximisation, MacKay 1992, inside penalised quasi-likelihood, Breslow &
Clayton 1993). Only the mean must be positive: single rewards may be negative. Parametric for a reason: how the value
of a policy leans on each coefficient can be written down, so the error of the model is part of the interval, where a
model of trees would hide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.off_policy.cross_fitted import CrossFitted
from models.off_policy.reward_features import RewardFeatures
from models.policies.eligible import NUMBERS
from models.policies.logged import LoggedDecisions

_BELOW, _ABOVE = 5.0, 4.0
"""How far the log of an expected outcome may lie from the log of the mean: beyond that no log knows anything."""

_FIRST_PRECISION = 30.0
_OWN_PRECISION = 0.25**-2
"""What the policy likes is as a rule worth less than a quarter more than the rest of the model says. It is to undo the
error of shrinkage; left free, it is what most intervals are wide for: held, fewer better policies are missed."""

_CONSTANT, _OWN = 0, 5
_COST = NUMBERS.index("cost")


@dataclass(frozen=True)
class RewardModel:
    """`crossed` contexts at most are crossed with actions; `rounds` of reweighting find coefficients and scales."""

    crossed: int = 16
    rounds: int = 4

    def cross_fitted(
        self, log: LoggedDecisions, target: Floats, folds: NDArray[np.int64], outcomes: Floats | None = None
    ) -> CrossFitted:
        """Predictions for every row of `log`, asked about a policy of probabilities `target`.

        `folds` (one a decision) must put a customer into one fold only. What is predicted is the reward, its known cost
        apart; or other `outcomes` of the decisions. Where these are not positive on average, it is their mean.

        The model of a fold is one Newton step without the fold away from the fit to all, so what is left of the fold's
        own rewards in it is of second order, and a log is read five times and not twenty.
        """
        _check(log, folds)
        costs = log.eligible.numbers[:, _COST] if outcomes is None else np.zeros(len(target))
        gross = log.rewards + costs[log.chosen] if outcomes is None else outcomes
        count = int(folds.max()) + 1
        if min(gross[folds != fold].sum() for fold in range(count)) <= 0:
            return _constant(gross, costs, folds, log)
        scale = float(gross.var() / gross.mean()) or 1.0
        gross = gross / scale
        features = RewardFeatures.of(log, target, gross, self.crossed)
        chosen, groups = features.of_chosen(log.chosen), features.groups
        middle = float(np.log(gross.mean()))
        whole = _fit(chosen, gross, groups, self.rounds)
        parts = _Normal.by_fold(chosen, gross, _mean(chosen @ whole.coefficients, middle), folds)
        of_row = log.eligible.decisions
        means, inverses, pulls = np.empty(len(target)), [], []
        for fold in range(count):
            own = _solved(_Normal.sum_of([part for other, part in enumerate(parts) if other != fold]), groups, whole)
            rows = np.flatnonzero(folds[of_row] == fold)
            means[rows] = _mean(features.predict(own.coefficients, of_row[rows], rows), middle)
            inverses.append(own.inverse)
            pulls.append(own.precisions[groups])
        asked = features.totals(target * means, folds)
        taken, predicted = means[log.chosen], scale * means - costs
        noise = float(((gross - taken) ** 2 / taken).mean())
        held = scale * np.sqrt(noise * np.mean(pulls, axis=0))
        return CrossFitted(predicted, folds, asked, chosen, taken, scale * (gross - taken), tuple(inverses), held)


def _constant(gross: Floats, costs: Floats, folds: NDArray[np.int64], log: LoggedDecisions) -> CrossFitted:
    count = int(folds.max()) + 1
    means = np.array([gross[folds != fold].mean() for fold in range(count)])[folds]
    nothing = np.zeros((len(log), 0))
    predicted = means[log.eligible.decisions] - costs
    return CrossFitted(predicted, folds, np.zeros((count, 0)), nothing, means, gross - means, (), np.zeros(0))


def _check(log: LoggedDecisions, folds: NDArray[np.int64]) -> None:
    if folds.shape != (len(log),) or len(np.unique(folds)) < 2:
        raise ValueError("cross-fitting needs the fold of each decision, and at least two folds; take more customers")
    pairs = np.unique(np.column_stack([log.customers, folds]), axis=0)
    if len(np.unique(pairs[:, 0])) < len(pairs):
        raise ValueError("a customer is in two folds, so its reward model has seen it; make folds of customers")


@dataclass(frozen=True)
class _Normal:
    """The normal equations of one reweighted least squares step; those of several folds add up."""

    gram: Floats
    target: Floats
    squares: float
    n: int

    @classmethod
    def of(cls, features: Floats, gross: Floats, mean: Floats) -> "_Normal":
        """Working responses weighted by the mean, as the log link of a variance like the mean asks."""
        root = np.sqrt(mean)
        scaled, working = features * root[:, None], root * (np.log(mean) + (gross - mean) / mean)
        return cls(scaled.T @ scaled, scaled.T @ working, float(working @ working), len(gross))

    @classmethod
    def by_fold(cls, features: Floats, gross: Floats, mean: Floats, folds: NDArray[np.int64]) -> "list[_Normal]":
        """Those of each fold."""
        inside = [np.flatnonzero(folds == fold) for fold in range(int(folds.max()) + 1)]
        return [cls.of(features[rows], gross[rows], mean[rows]) for rows in inside]

    @classmethod
    def sum_of(cls, parts: "Sequence[_Normal]") -> "_Normal":
        """Those of several folds together."""
        gram, target = np.zeros_like(parts[0].gram), np.zeros_like(parts[0].target)
        for part in parts:
            gram += part.gram
            target += part.target
        return cls(gram, target, sum(part.squares for part in parts), sum(part.n for part in parts))


@dataclass(frozen=True)
class _Posterior:
    coefficients: Floats
    inverse: Floats
    precisions: Floats


def _fit(features: Floats, gross: Floats, groups: NDArray[np.int64], rounds: int) -> _Posterior:
    """Reweighted least squares from the same mean everywhere on, the scales of the groups found anew in each round."""
    middle = float(np.log(gross.mean()))
    coefficients = np.zeros(len(groups))
    coefficients[0] = middle
    found = _Posterior(coefficients, np.zeros((0, 0)), _held(np.full(_OWN + 1, _FIRST_PRECISION)))
    for _ in range(rounds):
        found = _solved(_Normal.of(features, gross, _mean(features @ found.coefficients, middle)), groups, found)
    return found


def _solved(normal: _Normal, groups: NDArray[np.int64], start: _Posterior) -> _Posterior:
    """The step's coefficients, after two rounds of MacKay's fixed point for the scales: noise over the mean square of
    the coefficients of a group, each counted as far as it is known."""
    found, size = _given(normal, groups, start.precisions), len(start.precisions)
    for _ in range(2):
        mean, precisions = found.coefficients, found.precisions
        known = np.bincount(groups, 1 - precisions[groups] * np.diag(found.inverse), minlength=size)
        missed = max(normal.squares - 2 * float(mean @ normal.target) + float(mean @ normal.gram @ mean), 1e-12)
        noise = missed / max(normal.n - float(known.sum()), 1.0)
        large = np.bincount(groups, mean**2, minlength=size)
        scales: Floats = np.clip(noise * np.maximum(known, 1e-6) / np.maximum(large, 1e-300), 1e-2, 1e8)
        there = np.bincount(groups, minlength=size) > 0
        found = _given(normal, groups, _held(np.where(there, scales, precisions).astype(np.float64)))
    return found


def _given(normal: _Normal, groups: NDArray[np.int64], precisions: Floats) -> _Posterior:
    held = np.diag(precisions[groups] + 1e-9).astype(np.float64)
    information: Floats = normal.gram + held
    inverse = np.linalg.inv(information).astype(np.float64)
    return _Posterior(inverse @ normal.target, inverse, precisions)


def _held(precisions: Floats) -> Floats:
    """Two groups have no scale to find: the constant, and what the policy likes."""
    held = precisions.copy()
    held[_CONSTANT], held[_OWN] = 0.0, _OWN_PRECISION
    return held


def _mean(eta: Floats, middle: float) -> Floats:
    mean: Floats = np.exp(np.clip(eta, middle - _BELOW, middle + _ABOVE))
    return mean
