"""What is at stake with a customer: how large rewards are, whichever sign, by what is known of them.

Rewards of a shop are mostly zero and else as large as the cart, so their noise differs a hundredfold between customers,
and what a message changes is about proportional to what is there to be changed. Advantages are therefore learned in
units of the stake. It is estimated by quasi-Poisson regression with a logarithmic link (Wedderburn, Biometrika 1974),
kept up to date by Newton steps from a Gaussian approximation of what was known before.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from models.arrays import Floats

_PRIOR_DEVIATION = 0.5
"""Of a coefficient: how many powers of e a stake changes with one standard deviation of a context."""

_FURTHEST = 3.0
"""Powers of e that a stake may be away from the usual one."""

_STEPS = 4


@dataclass(frozen=True)
class Stakes:
    """`weights` (columns) of the logarithm of the stake over the usual one; `precision` (columns, columns) of the data.

    `sums` are the fading count, the total and the squares of the sizes of rewards seen.
    """

    weights: Floats = field(default_factory=lambda: np.zeros(1))
    precision: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    sums: Floats = field(default_factory=lambda: np.zeros(3))

    @property
    def usual(self) -> float:
        """The mean size of rewards; 1 while none was seen that is not 0."""
        count, total, _ = self.sums
        return float(total / count) if total > 0 else 1.0

    def of(self, columns: Floats) -> Floats:
        """The stake of each decision over the usual one, from the (decisions, columns) of its contexts."""
        return _stake(self.weights, columns)

    def learned(
        self, columns: Floats, places: NDArray[np.int64], sizes: Floats, fresh: Floats, faded: float
    ) -> "Stakes":
        """After the `sizes` of some rewards too, which count `fresh` (decisions); what was known counts `faded`.

        `places` says where the own columns are among those given.
        """
        sums = faded * self.sums + np.array([fresh.sum(), fresh @ sizes, fresh @ sizes**2])
        known = Stakes(np.zeros(columns.shape[1]), np.zeros((columns.shape[1],) * 2), sums)
        known.weights[places] = self.weights
        known.precision[np.ix_(places, places)] = faded * self.precision
        if sums[1] <= 0:
            return known
        relative = sizes / known.usual
        dispersion = sums[2] / sums[1] / known.usual
        prior = np.full(columns.shape[1], dispersion / _PRIOR_DEVIATION**2)
        prior[0] = 1e-3
        weights = known.weights
        for _ in range(_STEPS):
            expected = fresh * _stake(weights, columns)
            curve = (columns * expected[:, None]).T @ columns
            slope = (
                columns.T @ (fresh * relative - expected)
                - known.precision @ (weights - known.weights)
                - prior * weights
            )
            weights = weights + cho_solve(cho_factor(curve + known.precision + np.diag(prior)), slope)
        expected = fresh * _stake(weights, columns)
        return Stakes(weights, known.precision + (columns * expected[:, None]).T @ columns, sums)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {"weights": self.weights, "precision": self.precision, "sums": self.sums}

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> "Stakes":
        """From `arrays()`, whose names stand behind `prefix`."""
        return cls(arrays[f"{prefix}weights"], arrays[f"{prefix}precision"], arrays[f"{prefix}sums"])


def _stake(weights: Floats, columns: Floats) -> Floats:
    """Summed column by column, so that a decision's answer has the same bits alone and in a batch."""
    found = np.zeros(len(columns))
    for column, weight in zip(columns.T, weights, strict=True):
        found += column * weight
    return np.asarray(np.exp(np.clip(found, -_FURTHEST, _FURTHEST)), np.float64)
