"""Whether a log can bear an evaluation at all: what its weights and propensities say of themselves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, chisquare, norm

from models.arrays import Floats
from models.off_policy.base import Evidence
from models.off_policy.intervals import Bounds, Clusters, empirical_likelihood
from models.policies.logged import LoggedDecisions

MISMATCH = 0.001
"""Below this probability the sizes of groups are no chance, and nothing that compares them is to be believed."""

_BINS = 10
_FEWEST = 5.0
"""A bin whose expected number is smaller says nothing by chi-square, and is joined with the next."""


@dataclass(frozen=True)
class Weights:
    """What the importance weights are like. `mean` must be 1 up to chance; `tail` holds the 99 and 99.9 % quantiles."""

    effective: float
    mean: Bounds
    largest: float
    tail: tuple[float, float]


def weights(evidence: Evidence, level: float = 0.999) -> Weights:
    """Effective sample size (Kish), the interval of the mean weight by customers, and the tail."""
    found = evidence.weights
    mean = empirical_likelihood(Clusters.of(found, evidence.log.customers), level)
    high, higher = np.quantile(found, [0.99, 0.999])
    return Weights(effective_sample(found), mean, float(found.max()), (float(high), float(higher)))


def effective_sample(found: Floats) -> float:
    """As many decisions of the policy itself would say as much: `(sum w)^2 / sum w^2`.

    >>> effective_sample(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    squares = float((found**2).sum())
    return float(found.sum()) ** 2 / squares if squares else 0.0


def clipped_share(found: Floats, clip: float) -> float:
    """The share of decisions whose weight is clipped."""
    return float((found > clip).mean())


def lost_mass(found: Floats, clip: float) -> float:
    """The share of all weight that clipping takes away, which the reward model has to speak for."""
    return float(np.maximum(found - clip, 0.0).sum() / max(float(found.sum()), 1e-300))


@dataclass(frozen=True)
class Calibration:
    """By decile of logged probability: how often rows were taken, and should have been; and how likely that is."""

    expected: Floats
    taken: Floats
    pvalue: float


def calibration(log: LoggedDecisions, logging: Floats) -> Calibration:
    """Chi-square of chosen rows against the logged probabilities of all rows, one bin a decile of the probability.

    Each bin is compared with its own variance, as the rows of a decision exclude each other only weakly across bins.
    Certain rows (probability 0 or 1) say nothing, but a row that was taken against a probability of 0 says it all.
    """
    taken = np.zeros(len(logging))
    taken[log.chosen] = 1.0
    if ((logging <= 0) & (taken > 0)).any() or not np.allclose(logging[log.chosen], log.propensities, rtol=1e-6):
        return Calibration(np.zeros(0), np.zeros(0), 0.0)
    open_ = (logging > 0) & (logging < 1)
    if not open_.any():
        return Calibration(np.zeros(0), np.zeros(0), 1.0)
    chances, hits = logging[open_], taken[open_]
    edges = np.unique(np.quantile(chances, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, chances, side="left")
    of = log.eligible.decisions[open_]
    count = len(edges) + 1
    expected: Floats = np.bincount(bins, chances, minlength=count).astype(np.float64)
    seen: Floats = np.bincount(bins, hits, minlength=count).astype(np.float64)
    by_decision = np.bincount(of * count + bins, chances, minlength=len(log) * count).reshape(-1, count)
    covariance = np.diag(by_decision.sum(axis=0)) - by_decision.T @ by_decision
    kept = expected >= _FEWEST
    apart = (seen - expected)[kept]
    within = covariance[np.ix_(kept, kept)]
    statistic = float(apart @ np.linalg.pinv(within, hermitian=True) @ apart)
    rank = int(np.linalg.matrix_rank(within, hermitian=True)) if kept.any() else 0
    return Calibration(expected, seen, float(chi2.sf(statistic, rank)) if rank else 1.0)


def sample_ratio(counts: NDArray[np.int64], shares: Floats) -> float:
    """How likely groups of these sizes are when customers fall into them by `shares` (chi-square).

    >>> sample_ratio(np.array([500, 500]), np.array([0.5, 0.5]))
    1.0
    """
    if counts.shape != shares.shape or (shares <= 0).any():
        raise ValueError("each group needs a count and a share above 0")
    expected = shares / shares.sum() * counts.sum()
    return float(chisquare(counts, expected).pvalue) if counts.sum() else 1.0


def free_truth(estimated: Clusters, observed: Clusters) -> float:
    """How likely it is that an estimated value and what its policy's own customers earned differ by so much.

    The random arm gives this test every day: its value, estimated from everybody else's decisions, is known from its
    own.
    """
    error = float(np.hypot(estimated.error, observed.error))
    return float(2 * norm.sf(abs(estimated.mean - observed.mean) / error)) if error > 0 else 1.0
