"""How sure a difference is: the paired bootstrap over customers (Efron, 1979)."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats

_BATCH = 100


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired(mine: Floats, other: Floats, rng: np.random.Generator, draws: int = 1_000) -> Interval:
    """The mean of `mine - other`, each entry the same customer in both, with the interval of resampled customers.

    >>> print(paired(np.array([0.5, 0.5]), np.array([0.25, 0.25]), np.random.default_rng(0)))
    +0.2500 [+0.2500, +0.2500]
    """
    if mine.shape != other.shape or not len(mine):
        raise ValueError(f"a paired comparison needs the same customers twice, found {mine.shape} and {other.shape}")
    differences = mine - other
    means = [
        differences[rng.integers(len(differences), size=(min(_BATCH, draws - start), len(differences)))].mean(axis=1)
        for start in range(0, draws, _BATCH)
    ]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Interval(float(differences.mean()), float(low), float(high))
