"""Long rows of a sparse matrix cut down to their strongest entries, which stand for all of the row.

Schelter, Boden and Markl, "Scalable similarity-based neighborhood methods with MapReduce" (RecSys 2012) cut what users
have, as the work grows with the square of it, and Mahout's co-occurrences what items have as well. What grows with a
shop are the customers of a product: a few thousand tell of its neighbours what a million do.
"""

import numpy as np
from scipy.sparse import csr_array

from models.arrays import Floats, Mask


def strongest_entries(rows: "csr_array[np.float64]", most: int) -> "csr_array[np.float64]":
    """`rows` with the `most` largest entries of each, times what gives them the sum of all; shorter ones as they are.

    Of entries that are equal to the least of these some at even distances stay, so that none are before others.

    >>> strongest_entries(csr_array([[0.0, 4.0, 1.0, 3.0], [2.0, 0.0, 0.0, 5.0]]), 2).toarray().round(2).tolist()
    [[0.0, 4.57, 0.0, 3.43], [2.0, 0.0, 0.0, 5.0]]
    """
    lengths = np.diff(rows.indptr)
    if lengths.max(initial=0) <= most:
        return rows
    stay, values = np.ones(len(rows.data), np.bool_), rows.data.copy()
    for row in np.flatnonzero(lengths > most).tolist():
        span = slice(rows.indptr[row], rows.indptr[row + 1])
        stay[span] = kept = _strongest(values[span], most)
        values[span] *= values[span].sum() / values[span][kept].sum()
    starts = np.concatenate([[0], np.cumsum(np.minimum(lengths, most))]).astype(rows.indptr.dtype)
    return csr_array((values[stay], rows.indices[stay], starts), shape=rows.shape)


def _strongest(values: Floats, most: int) -> Mask:
    """Which are the `most` largest, exactly so many."""
    least = np.partition(values, len(values) - most)[len(values) - most]
    stay: Mask = values > least
    equal, room = np.flatnonzero(values == least), most - int(stay.sum())
    stay[equal[np.arange(room) * len(equal) // room]] = True
    return stay
