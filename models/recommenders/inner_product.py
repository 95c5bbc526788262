"""The k largest inner products of one vector with many, most of which are too short to be among them.

No inner product is larger than the product of two lengths, so whoever looks at the long vectors first may stop early,
and the answer is still exact (Teflioudi, Gemulla and Mykytiuk, "LEMP: Fast retrieval of large entries in a matrix
product", SIGMOD 2015). Vectors of products grow with what they sell, and most of a large catalogue sells little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.recommenders.top_k import Best, best

_FIRST = 2_048
_PART = 4
_ROUNDING = 1e-4
"""Inner products in single precision are this far off at most, as a part of both lengths."""


@dataclass(frozen=True)
class LongestFirst:
    """`vectors` (items, factors) as they are; `codes` of those that are not zero by falling length, `lengths` (items,)
    in that order, and `head`, a copy of the longest fourth of the vectors in that order too: rows in a row are read
    several times as fast as rows here and there."""

    vectors: NDArray[np.float32]
    codes: NDArray[np.int64]
    lengths: NDArray[np.float32]
    head: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> "LongestFirst":
        """All but zeros, ties by code."""
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        codes = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
        head = vectors[codes[: len(vectors) // _PART]]
        return cls(vectors, codes, lengths[codes], head)

    def best(self, vector: NDArray[np.float32], k: int, allow: Mask) -> Best:
        """The k codes that `allow` (items,) lets through with the largest inner products; ties go to the lower code."""
        reach = self._reach(vector, k, allow)
        if reach > len(self.head):
            return best(self.vectors @ vector, k, allow)
        scores = np.full(len(self.vectors), -np.inf, np.float32)
        scores[self.codes[:reach]] = self.head[:reach] @ vector
        return best(scores, k, allow)

    def _reach(self, vector: NDArray[np.float32], k: int, allow: Mask) -> int:
        """How many of the longest vectors are enough: all others are too short for the k-th best of the first ones."""
        first = max(_FIRST, _PART * k)
        if first > len(self.head):
            return len(self.codes) + 1
        near = (self.head[:first] @ vector)[allow[self.codes[:first]]]
        if not 0 < k <= len(near):
            return len(self.codes) + 1
        owed = float(np.partition(near, len(near) - k)[len(near) - k]) / max(float(np.linalg.norm(vector)), 1e-30)
        long = self.lengths * (1 + _ROUNDING) >= owed
        return max(int(np.count_nonzero(long)), first)
