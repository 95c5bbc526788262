"""How sure a value is: intervals of a mean whose entries come in clusters, the decisions of one customer.

Two that do not lean on the normal law, which skewed importance weights mock: the bootstrap-t, which resamples, and
empirical likelihood (Owen 1988; Karampatziakis, Langford & Mineiro 2020 for off-policy values), which gives the same
answer each time and is what the gate asks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from models.arrays import Floats

_BATCH = 100


@dataclass(frozen=True)
class Bounds:
    """A mean and the ends of its interval; each end alone is a one-sided bound of half the error."""

    mean: float
    low: float
    high: float

    def widened(self, error: float, level: float = 0.95) -> "Bounds":
        """With another error of that size, which has nothing to do with the one that is in it.

        >>> print(Bounds(0.0, -3.0, 3.0).widened(4 / 1.959964))
        +0.0000 [-5.0000, +5.0000]
        """
        more = float(norm.ppf((1 + level) / 2)) * error
        low, high = np.hypot(self.mean - self.low, more), np.hypot(self.high - self.mean, more)
        return Bounds(self.mean, self.mean - float(low), self.mean + float(high))

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


@dataclass(frozen=True)
class Clusters:
    """Sums and sizes of the entries of each cluster; the mean is the sum of sums over the sum of sizes."""

    sums: Floats
    sizes: Floats

    @classmethod
    def of(cls, contributions: Floats, customers: NDArray[np.int64]) -> "Clusters":
        """One cluster a customer."""
        if not len(contributions):
            raise ValueError("there is no decision to take a mean of")
        _, of = np.unique(customers, return_inverse=True)
        return cls(np.bincount(of, contributions).astype(np.float64), np.bincount(of).astype(np.float64))

    @property
    def mean(self) -> float:
        """The mean of all entries."""
        return float(self.sums.sum() / self.sizes.sum())

    def around(self, mean: float) -> Floats:
        """What each cluster lies above `mean`, summed over its entries."""
        above: Floats = self.sums - mean * self.sizes
        return above

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        count = len(self.sums)
        if count < 2:
            return float("inf")
        spread = float((self.around(self.mean) ** 2).sum())
        return float(np.sqrt(spread * count / (count - 1)) / self.sizes.sum())


def empirical_likelihood(clusters: Clusters, level: float = 0.95) -> Bounds:
    """All means that a reweighting of the clusters makes likely enough.

    >>> found = empirical_likelihood(Clusters.of(np.arange(100.0), np.arange(100)))
    >>> round(found.low, 1), round(found.high, 1)
    (43.9, 55.1)
    """
    mean, error = clusters.mean, clusters.error
    if not np.isfinite(error) or error <= 1e-12 * max(1.0, abs(mean)):
        width = 0.0 if error <= 1e-12 * max(1.0, abs(mean)) else np.inf
        return Bounds(mean, mean - width, mean + width)
    enough = float(chi2.ppf(level, 1))
    return Bounds(mean, _end(clusters, mean, -error, enough), _end(clusters, mean, error, enough))


def _end(clusters: Clusters, mean: float, step: float, enough: float) -> float:
    """The mean in the direction of `step` at which twice the log likelihood ratio is `enough`."""
    near, far = mean, mean + step
    for _ in range(60):
        if _ratio(clusters.around(far)) >= enough:
            break
        near, far = far, far + step
    return float(brentq(lambda at: _ratio(clusters.around(at)) - enough, near, far, xtol=abs(step) * 1e-4))


def _ratio(above: Floats) -> float:
    """Twice the log of how much less likely the data are when the mean of `above` is 0; infinite when it cannot be."""
    low, high = float(above.min()), float(above.max())
    if low >= 0 or high <= 0:
        return 1e6
    least, most = -1 / high, -1 / low
    at = 0.0
    for _ in range(60):
        inside = 1 + at * above
        slope = float((above / inside).sum())
        bend = float((above**2 / inside**2).sum())
        if slope > 0:
            least = max(least, at)
        else:
            most = min(most, at)
        step = at + slope / bend
        new = step if least < step < most else (least + most) / 2
        if abs(new - at) <= 1e-10 * max(1.0, abs(new)):
            break
        at = new
    return float(2 * np.log(np.maximum(1 + at * above, 1e-300)).sum())


def bootstrap_t(clusters: Clusters, rng: np.random.Generator, draws: int = 999, level: float = 0.95) -> Bounds:
    """The interval of the studentised mean of resampled clusters (Efron 1981)."""
    count, mean, error = len(clusters.sums), clusters.mean, clusters.error
    if not np.isfinite(error) or not error:
        return empirical_likelihood(clusters, level)
    found = []
    for start in range(0, draws, _BATCH):
        drawn = rng.integers(count, size=(min(_BATCH, draws - start), count))
        sums, sizes = clusters.sums[drawn], clusters.sizes[drawn]
        means = sums.sum(axis=1) / sizes.sum(axis=1)
        spread = ((sums - means[:, None] * sizes) ** 2).sum(axis=1)
        errors = np.sqrt(spread * count / (count - 1)) / sizes.sum(axis=1)
        found.append((means - mean) / np.maximum(errors, 1e-300))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    return Bounds(mean, mean - float(high) * error, mean - float(low) * error)
