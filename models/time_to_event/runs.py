"""Runs of equal keys in sorted rows, and what adds up within each: the arithmetic under what is known of pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask, Scalar

Places = NDArray[np.int64]
Whole = NDArray[np.signedinteger]


@dataclass(frozen=True)
class Runs:
    """`starts` and `ends` (runs,) are the first and last row of each run."""

    starts: Places
    ends: Places

    @classmethod
    def of(cls, *keys: Whole) -> "Runs":
        """Rows that follow each other and agree in all `keys`.

        >>> Runs.of(np.array([1, 1, 2])).counts.tolist()
        [2.0, 1.0]
        """
        new: Mask = np.ones(len(keys[0]), bool)
        new[1:] = keys[0][1:] != keys[0][:-1]
        for key in keys[1:]:
            new[1:] |= key[1:] != key[:-1]
        starts = np.flatnonzero(new)
        return cls(starts, np.append(starts[1:], len(new))[: len(starts)] - 1)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def counts(self) -> Floats:
        """Rows of each run."""
        return (self.ends - self.starts + 1).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` (rows,) in each run."""
        return np.add.reduceat(values, self.starts) if len(self) else np.empty(0)

    def most(self, values: Floats) -> Floats:
        """The greatest of `values` (rows,) in each run."""
        return np.maximum.reduceat(values, self.starts) if len(self) else np.empty(0)

    def each_row(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """`values` (runs,) at every row of their run."""
        return np.repeat(values, self.ends - self.starts + 1)

    def faded(self, days: Whole, half_life: float, weights: Floats | float = 1.0) -> Floats:
        """The sum of `weights`, each halved for every `half_life` days that it is older than the last of its run.

        As of the last day and not of the day of asking, so that it stays as it is while nothing happens.
        """
        age = (np.repeat(days[self.ends], self.ends - self.starts + 1) - days).astype(np.float64)
        return self.sums(np.exp2(-age / half_life) * weights)


def key(customers: Whole, codes: Whole) -> NDArray[np.int64]:
    """A customer and a code of less than 21 bits, or a day on either side of 1970, as one number that sorts like both.

    >>> bool(key(np.array([1]), np.array([-9])) < key(np.array([1]), np.array([3])))
    True
    """
    joined: NDArray[np.int64] = customers.astype(np.int64) * 2**22 + codes
    return joined
