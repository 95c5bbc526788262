"""Products of two sparse matrices of which each row keeps its strongest entries alone, a row at a time.

The whole product of a shop's history with itself is tens of times larger than what is kept of it; here a row of it is a
dense vector that stays in the cache, and nothing of it is written down but what is kept.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.arrays import Floats
from models.compiled import compiled_for_long
from models.recommenders.sparse_rows import SparseRows

_ROWS = 1_000


def strongest_products(
    left: "csr_array[np.float64]",
    right: "csr_array[np.float64]",
    most: int,
    lengths: Floats | None = None,
    shrinkage: float = 1.0,
) -> SparseRows:
    """The `most` largest entries of each row of `left @ right`, as `sparse_rows.strongest` has them: no diagonal.

    With `lengths` (one a row, and a column) an entry counts over the product of both plus `shrinkage`: a cosine. Both
    matrices hold no negative numbers, and as many rows come out as columns went in.
    """
    lengths = np.zeros(right.shape[1]) if lengths is None else lengths
    blocks = []
    for first in range(0, left.shape[0], _ROWS):
        last = min(first + _ROWS, left.shape[0])
        parts = (left.indptr, left.indices, left.data, right.indptr, right.indices, right.data)
        blocks.append(SparseRows(*_strongest(*parts, lengths, shrinkage, most, first, last)))
    return SparseRows.stack(blocks)


@compiled_for_long
def _strongest(
    starts: NDArray[np.int32],
    middles: NDArray[np.int32],
    factors: Floats,
    right_starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: Floats,
    lengths: Floats,
    shrinkage: float,
    most: int,
    first: int,
    last: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Rows from `first` to `last`: where each begins, its columns, which rise, and their values."""
    width = len(lengths)
    sums = np.zeros(width)
    touched = np.empty(width + 1, np.int32)
    found = np.empty(width, np.float32)
    ends = np.zeros(last - first + 1, np.int64)
    kept = np.empty((last - first) * most, np.int32)
    weights = np.empty((last - first) * most, np.float32)
    end = 0
    for row in range(first, last):
        count = 0
        for place in range(starts[row], starts[row + 1]):
            middle, factor = middles[place], factors[place]
            for entry in range(right_starts[middle], right_starts[middle + 1]):
                column, added = columns[entry], factor * values[entry]
                before = sums[column]
                # whether a column is new is added rather than asked: no processor could guess it
                touched[count] = column
                count += (before == 0.0) & (added != 0.0)
                sums[column] = before + added
        sums[row] = 0.0
        for place in range(count):
            column = touched[place]
            sums[column] /= lengths[row] * lengths[column] + shrinkage
            found[place] = sums[column]
        start, end = end, end + _keep(touched[:count], found[:count], most, kept[end:])
        for place in range(start, end):
            weights[place] = sums[kept[place]]
        for place in range(count):
            sums[touched[place]] = 0.0
        ends[row - first + 1] = end
    return ends, kept[:end].copy(), weights[:end].copy()


@compiled_for_long
def _keep(columns: NDArray[np.int32], values: NDArray[np.float32], most: int, kept: NDArray[np.int32]) -> int:
    """Write the columns of the `most` largest values, of equal ones the lower, in order into `kept`; how many."""
    least = _least(values, most)
    count = 0
    for place in range(len(columns)):
        if values[place] > least:
            kept[count] = columns[place]
            count += 1
    if least > 0:
        for column in np.sort(columns[values == least])[: most - count]:
            kept[count] = column
            count += 1
    kept[:count].sort()
    return count


@compiled_for_long
def _least(values: NDArray[np.float32], most: int) -> np.float32:
    """The `most`-th largest of the values; 0 where no more are above it.

    What is larger than the least so far goes into a buffer, which is cut down to `most` whenever it is full: few do.
    """
    buffer = np.empty(4 * most, np.float32)
    least, held = np.float32(0), 0
    for value in values:
        if value > least:
            buffer[held] = value
            held += 1
            if held == len(buffer):
                buffer[:most] = np.partition(buffer, held - most)[held - most :]
                least, held = buffer[:most].min(), most
    return np.partition(buffer[:held], held - most)[held - most] if held > most else least
