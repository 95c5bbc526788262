"""How dear a product is for what it is: a place among its like, so that tea and television can be compared."""

import numpy as np

from models.arrays import Codes, Floats


def price_rank(prices: Floats, groups: Codes) -> Floats:
    """The share of the priced products of the same group that cost less, ties counting half; NaN without a price.

    >>> price_rank(np.array([1.0, 9.0, 9.0, 5.0]), np.array([0, 0, 0, 1], np.int32)).tolist()
    [0.16666666666666666, 0.6666666666666666, 0.6666666666666666, 0.5]
    """
    ranks = np.full(len(prices), np.nan)
    priced = np.flatnonzero(np.isfinite(prices))
    if not len(priced):
        return ranks
    order = priced[np.lexsort((prices[priced], groups[priced]))]
    price, group = prices[order], groups[order]
    place = np.arange(len(order))
    begins = np.append(True, group[1:] != group[:-1])
    ties = begins | np.append(True, price[1:] != price[:-1])
    start = np.maximum.accumulate(np.where(begins, place, 0))
    size = np.diff(np.append(np.flatnonzero(begins), len(order)))[np.cumsum(begins) - 1]
    first = np.flatnonzero(ties)
    middle = (first + np.append(first[1:], len(order))) / 2
    ranks[order] = (middle[np.cumsum(ties) - 1] - start) / size
    return ranks
