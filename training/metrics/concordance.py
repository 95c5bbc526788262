"""Concordance: how often the one who is expected first comes first (Harrell et al., 1982), counted for every row.

A pair of rows is comparable when one of them was seen to come before the other's end; two that come on the same day are
not. Equal expectations count half. All is as `lifelines.utils.concordance_index` has it, in n log² n steps without a
loop over rows, and each row keeps its own counts, so that customers can be resampled.
"""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from training.metrics.ratio import Ratio

_Whole = NDArray[np.int64]


def concordance(times: Floats, expected: Floats, observed: Mask) -> Ratio:
    """How well `expected` times (any scale, larger is later) order `times`; all (rows,).

    >>> observed = np.array([True, True, False])
    >>> round(concordance(np.array([1.0, 2.0, 3.0]), np.array([5.0, 9.0, 7.0]), observed).value, 3)
    0.667
    """
    if not len(times) == len(expected) == len(observed):
        raise ValueError(
            f"{len(times)} times, {len(expected)} expectations, {len(observed)} flags; give one a row each"
        )
    if np.isnan(expected).any():
        raise ValueError("an expectation is NaN; say infinity for what is never expected")
    ends = _ranks(2 * _ranks(times) + ~observed)  # on the same day, who is still waiting outlasts who came
    scores = _ranks(expected)
    order = np.lexsort((-scores, ends))  # within one end the later expected first: no such pair can look concordant
    ordered = np.empty(len(order), np.int64)
    ordered[order] = _ordered_pairs(scores[order], observed[order])
    return Ratio(ordered + 0.5 * _tied(scores, ends, observed), _comparable(ends, observed), degree=2)


def auc(chances: Floats, came: Mask) -> Ratio:
    """The area under the ROC curve: how often one who `came` had the higher chance than one who did not.

    >>> auc(np.array([0.9, 0.2, 0.4]), np.array([True, False, False])).value
    1.0
    """
    yes, no = np.sort(chances[came]), np.sort(chances[~came])
    under = np.where(came, len(no), len(yes)).astype(np.float64)
    below = (np.searchsorted(no, chances, side="left") + np.searchsorted(no, chances, side="right")) / 2
    above = len(yes) - (np.searchsorted(yes, chances, side="left") + np.searchsorted(yes, chances, side="right")) / 2
    return Ratio(np.where(came, below, above), under, degree=2)


def _ordered_pairs(scores: _Whole, observed: Mask) -> _Whole:
    """For each place the number of pairs with a place before it or behind it, the earlier one observed and lower.

    Blocks of doubling size are merged as in merge sort: among the two halves of a block, sorted by score, a running
    count says how many of the one half lie below each of the other.
    """
    places = np.arange(len(scores))
    found = np.zeros(len(scores), np.int64)
    width = 1
    while width < len(scores):
        blocks = places // (2 * width)
        right = places // width % 2 == 1
        # At equal scores the right half goes first, so it meets only lower ones, and the left one only higher ones.
        order = np.argsort((blocks * len(scores) + scores) * 2 + ~right)
        starts = np.minimum(blocks * (2 * width), len(scores))[order]
        ends = np.minimum(starts + 2 * width, len(scores))
        sorted_right = right[order]
        below = np.concatenate([[0], np.cumsum(~sorted_right & observed[order])])
        above = np.concatenate([[0], np.cumsum(sorted_right)])
        at = np.arange(len(scores))
        lower = below[at] - below[starts]
        higher = (above[ends] - above[at]) * observed[order]
        found[order] += np.where(sorted_right, lower, higher)
        width *= 2
    return found


def _tied(scores: _Whole, ends: _Whole, observed: Mask) -> _Whole:
    """For each row the number of comparable rows of the same score."""
    size = int(ends.max(initial=0)) + 1
    keys = scores * size + ends
    everybody, came = np.sort(keys), np.sort(keys[observed])
    after = np.searchsorted(everybody, (scores + 1) * size) - np.searchsorted(everybody, keys, side="right")
    before = np.searchsorted(came, keys) - np.searchsorted(came, scores * size)
    return np.asarray(after * observed + before, np.int64)


def _comparable(ends: _Whole, observed: Mask) -> Floats:
    """For each row the number of rows that it can be compared with."""
    after = len(ends) - np.searchsorted(np.sort(ends), ends, side="right")
    before = np.searchsorted(np.sort(ends[observed]), ends)
    return np.asarray(after * observed + before, np.float64)


def _ranks(values: NDArray[np.generic]) -> _Whole:
    """0 for the smallest, equal values alike."""
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)
