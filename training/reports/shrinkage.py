"""Rates of many groups, each shrunk to what is common to all as much as the groups are alike, with its interval.

Beta-binomial: a group's rate is drawn around a common shape with the strength of so many trials. How strong, how high
the common rate is, and how much of a foreseen shape is true, is not known either: the posterior averages over all of
it, so that few data give wide intervals and not a lucky guess. The strength has the uniform shrinkage prior
(Christiansen and Morris, "Hierarchical Poisson regression modeling", JASA 1997).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln, logsumexp

from models.arrays import Floats
from training.reports.discoveries import Counts

_STRENGTHS = np.geomspace(3.0, 3e5, 16)
_LEVELS = (np.arange(5) + 0.5) / 5
_BISECTIONS = 20


@dataclass(frozen=True)
class Shrunk:
    """One entry a group: the posterior mean of its rate, and the ends of its 95 % interval."""

    mean: Floats
    low: Floats
    high: Floats


def shrunk(
    successes: Counts, trials: Counts, shape: Floats | None = None, common: tuple[int, int] | None = None
) -> Shrunk:
    """The rates of groups with so many `successes` in so many `trials`.

    `common` are successes and trials of what the groups are shrunk to, where that is not all of them together.

    `shape` is how much higher the rate of each is foreseen than the average one, as a logarithm; the data decide
    whether all, half or nothing of it is believed.

    >>> few = shrunk(np.array([1, 20, 200]), np.array([2, 200, 2000]))
    >>> few.mean.round(2).tolist()
    [0.1, 0.1, 0.1]
    """
    won, tried = successes.astype(np.float64), trials.astype(np.float64)
    if not len(won):
        return Shrunk(won, won, won)
    cells, place = np.unique(np.column_stack([won, tried, _zeros(shape, won)]), axis=0, return_inverse=True)
    count = np.bincount(place.ravel())
    won, tried, form = cells.T
    level = common or (float(count @ won), float(count @ tried))
    strength, rates = _settings(count * tried, form, level, shape is not None)
    alpha, beta = strength[:, None] * rates, strength[:, None] * (1 - rates)
    fits = betaln(alpha + won, beta + tried - won) - betaln(alpha, beta)
    typical = np.median(tried[tried > 0]) if (tried > 0).any() else 1.0
    prior = np.log(strength) + np.log(typical) - 2 * np.log(strength + typical)
    weights = np.exp((logs := fits @ count + prior) - logsumexp(logs))
    kept = weights > 1e-3
    weights, alpha, beta = weights[kept] / weights[kept].sum(), alpha[kept] + won, beta[kept] + tried - won
    mean = weights @ (alpha / (alpha + beta))
    low, high = (_quantile(weights, alpha, beta, level) for level in (0.025, 0.975))
    return Shrunk(*(found[place.ravel()] for found in (mean, low, high)))


def _settings(sent: Floats, form: Floats, common: tuple[float, float], foreseen: bool) -> tuple[Floats, Floats]:
    """What may be true of all groups: a strength each, and the rates that groups are shrunk to, (settings, groups)."""
    levels = betaincinv(common[0] + 0.5, common[1] - common[0] + 0.5, _LEVELS)
    strengths, rates = [], []
    for believed in (0.0, 0.5, 1.0) if foreseen else (0.0,):
        high = np.exp(believed * form)
        high = high / ((sent @ high) / sent.sum() if sent.any() else high.mean())
        for level in levels:
            strengths.append(_STRENGTHS)
            rates.append(np.tile(np.clip(level * high, 1e-6, 1 - 1e-6), (len(_STRENGTHS), 1)))
    return np.concatenate(strengths), np.concatenate(rates)


def _quantile(weights: Floats, alpha: Floats, beta: Floats, level: float) -> Floats:
    """Of the mixture of Beta laws, for each group, by bisection."""
    low, high = np.zeros(alpha.shape[1]), np.ones(alpha.shape[1])
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = weights @ betainc(alpha, beta, middle) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _zeros(shape: Floats | None, like: Floats) -> Floats:
    return np.zeros_like(like) if shape is None else shape
