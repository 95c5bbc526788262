"""How many of the likeliest things make the best set: the size of greatest expected F-measure, exactly.

Whoever is shown a set wants few wrong things in it and few missing. F1 weighs the two and its expectation can be
computed in O(n^2) for independent probabilities: Ye, Chai, Lee and Chieu, "Optimizing F-measure: a tale of two
approaches" (ICML 2012); the empty set as an answer of its own follows Faron's solution of Instacart's contest (2017).
"""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

_CUSTOMERS = 512
"""So many at a time stay in the cache of a processor."""
_LEAST = 1e-9


def best_sizes(
    probabilities: Floats, beyond: Floats, most: int, wrong: int = 1, away: Floats | None = None
) -> NDArray[np.int64]:
    """The size (customers,) of the best set for each row of `probabilities` (customers, things), which fall.

    A set of k holds the first k. `beyond` (customers,) is how many further things each is expected to want, which are
    too unlikely to be in any set; `most` bounds the size. A wrong thing costs as much as `wrong` missing ones: with b
    wanted and t of them in the set, (wrong + 1) t / (wrong k + b) is expected, at wrong = 1 the F1. The empty set is
    worth the probability that nothing is wanted.

    `away` (customers,) is how likely somebody does not come at all and wants nothing, 0 when not given. Things are
    wanted together on a trip, so what is independent is what those want who come: p / (1 - away).

    >>> best_sizes(np.array([[0.9, 0.8, 0.1], [0.05, 0.04, 0.0]]), np.zeros(2), 3).tolist()
    [2, 0]
    >>> maybe = np.array([[0.3, 0.3, 0.3, 0.3, 0.3]])
    >>> best_sizes(maybe, np.zeros(1), 5).tolist(), best_sizes(maybe, np.zeros(1), 5, away=np.array([0.7])).tolist()
    ([5], [0])
    """
    if most < 0 or wrong < 1:
        raise ValueError(f"most must be 0 or more, wrong 1 or more, found {most} and {wrong}")
    absent = np.zeros(len(probabilities)) if away is None else away
    parts = [slice(at, at + _CUSTOMERS) for at in range(0, len(probabilities), _CUSTOMERS)]
    sizes = [worths(probabilities[part], beyond[part], most, wrong, absent[part]).argmax(axis=1) for part in parts]
    return np.concatenate(sizes) if sizes else np.empty(0, np.int64)


def worths(probabilities: Floats, beyond: Floats, most: int, wrong: int = 1, away: Floats | None = None) -> Floats:
    """What a set of 0, 1, ... things is worth, shape (customers, sizes); arguments as in `best_sizes`."""
    if away is None:
        return _of_those_who_come(probabilities, beyond, most, wrong)
    # Coming is at least as likely as any purchase, whatever two models say of them.
    come = np.maximum(np.maximum(1 - away, probabilities.max(axis=1, initial=0.0)), _LEAST)
    worth: Floats = come[:, None] * _of_those_who_come(probabilities / come[:, None], beyond / come, most, wrong)
    worth[:, 0] += 1 - come
    return worth


def _of_those_who_come(probabilities: Floats, beyond: Floats, most: int, wrong: int) -> Floats:
    """What each size is worth when wants are independent."""
    customers, things = probabilities.shape
    most = min(most, things)
    wanted = _wanted(probabilities[:, :most])
    worth = np.empty((customers, most + 1))
    worth[:, 0] = np.prod(1 - probabilities, axis=1) * np.exp(-beyond)
    # inverse[:, a] is E[1 / (a + number wanted behind the first k)], for k from all things down; a = 0 is never read
    counted = np.maximum(np.arange((wrong + 1) * most + things + 1), 1).astype(np.float64)
    inverse = 1.0 / (counted + beyond[:, None])
    for size in range(things, 0, -1):
        if size <= most:
            hits = np.arange(1, size + 1)
            worth[:, size] = (wrong + 1) * (hits * wanted[size][:, 1:] * inverse[:, wrong * size + hits]).sum(axis=1)
        likely = probabilities[:, size - 1, None]
        inverse = likely * inverse[:, 1:] + (1 - likely) * inverse[:, :-1]
    return worth


def _wanted(probabilities: Floats) -> list[Floats]:
    """For k = 0, 1, ... the distribution of how many of the first k things are wanted, shape (customers, k + 1)."""
    found = [np.ones((len(probabilities), 1))]
    for likely in probabilities.T[:, :, None]:
        last = found[-1]
        longer = np.zeros((len(last), last.shape[1] + 1))
        longer[:, :-1] = last * (1 - likely)
        longer[:, 1:] += last * likely
        found.append(longer)
    return found
