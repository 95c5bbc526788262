"""Folds of customers: whoever is in one is in no other, whatever else the log holds."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def folds_of(customers: NDArray[np.int64], count: int = 5, salt: str = "kairos-folds") -> NDArray[np.int64]:
    """The fold, from 0 to `count` - 1, of each decision's customer: by a hash, so the same log has the same folds.

    >>> folds_of(np.array([7, 8, 7])).tolist()
    [0, 1, 0]
    """
    numbers, of = np.unique(customers, return_inverse=True)
    key = salt.encode()
    digests = (
        hashlib.blake2b(int(number).to_bytes(8, "big", signed=True), digest_size=8, key=key) for number in numbers
    )
    ranks = np.argsort([int.from_bytes(digest.digest(), "big") for digest in digests], kind="stable")
    folds = np.empty(len(numbers), np.int64)
    folds[ranks] = np.arange(len(numbers)) % count
    return folds[of]
