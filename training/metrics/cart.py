"""What a cart of a fixed size catches of what its customer then buys, for any score of the pairs it is filled from."""

import numpy as np

from models.arrays import Codes, Floats, Mask
from models.time_to_event.purchases import Days
from training.metrics.ratio import Ratio


def in_cart(customers: Codes, days: Days, scores: Floats, size: int) -> Mask:
    """Whether each row is among the `size` with the highest score of its customer on its day; ties by place.

    >>> scores = np.array([0.1, 0.3, 0.2, 0.0])
    >>> in_cart(np.array([0, 0, 0, 1]), np.array([5, 5, 5, 5]), scores, 2).tolist()
    [False, True, True, True]
    """
    order = np.lexsort((-scores, days, customers))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(customers[order]) != 0) | (np.diff(days[order]) != 0)
    starts = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    taken = np.empty(len(order), bool)
    taken[order] = np.arange(len(order)) - starts < size
    return taken


def cart_recall(customers: Codes, days: Days, scores: Floats, came: Mask, size: int = 10) -> Ratio:
    """The share of those who `came` that lay in the carts.

    >>> came = np.array([True, False, True])
    >>> cart_recall(np.zeros(3, np.int32), np.zeros(3, np.int32), np.array([0.9, 0.8, 0.7]), came, 2).value
    0.5
    """
    caught = in_cart(customers, days, scores, size) & came
    return Ratio(caught.astype(np.float64), came.astype(np.float64))
