"""Interactions in the order of customer and product: counted out to customers, then sorted within each of them.

That takes a time that grows as the interactions do, as nobody has more of them because a shop has more customers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.compiled import compiled_for_long
from models.recommenders.base import Interactions


@dataclass(frozen=True)
class Cells:
    """Who touched what: a cell is a customer and a product, in the order of these.

    `order` are the places of the interactions, cell after cell, those of a cell in the order in which they came; cell c
    begins at `starts[c]` of it and is of the product `items[c]`. Customer u has the cells `bounds[u]` to
    `bounds[u + 1]`.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, interactions: Interactions) -> "Cells":
        """Those of all interactions."""
        places = len(interactions.items).bit_length()
        # Large arrays are made by numpy and not in the loops: it takes pages of 2 MB for them, these take such of 4 kB.
        keys, ends = np.empty(len(interactions.items), np.int64), np.zeros(interactions.customer_count + 1, np.int64)
        count = _counted_out(interactions.customers, interactions.items, places, keys, ends)
        cells = cls(keys, np.empty(count, np.int64), np.empty(count, np.int32), np.zeros(len(ends), np.int64))
        _cut(keys, ends, places, cells.starts, cells.items, cells.bounds)
        return cells

    def gathered(self, values: Floats) -> Floats:
        """The values of the interactions in the order of the cells, rising within each."""
        found = np.empty(len(self.order))
        _gather(self.order, self.starts, values, found)
        return found

    def differ(self, values: Floats) -> Mask:
        """(cells,): whether the whole parts of a cell's values are more than one."""
        return _differ(self.order, self.starts, values)


@compiled_for_long
def _counted_out(
    customers: NDArray[np.int32],
    items: NDArray[np.int32],
    places: int,
    keys: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> int:
    """Write the interactions of each customer, sorted, and where each customer begins; how many cells there are.

    Product and place are one number, the place in the lower `places` bits: there are no ties.
    """
    for customer in customers:
        ends[customer + 1] += 1
    for customer in range(len(ends) - 1):
        ends[customer + 1] += ends[customer]
    free = ends[:-1].copy()
    for place in range(len(customers)):
        customer = customers[place]
        keys[free[customer]] = (np.int64(items[place]) << places) | place
        free[customer] += 1
    count = 0
    for customer in range(len(ends) - 1):
        mine = keys[ends[customer] : ends[customer + 1]]
        mine.sort()
        for place in range(len(mine)):
            count += place == 0 or mine[place] >> places != mine[place - 1] >> places
    return count


@compiled_for_long
def _cut(
    keys: NDArray[np.int64],
    ends: NDArray[np.int64],
    places: int,
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    bounds: NDArray[np.int64],
) -> None:
    """Write where cells begin, their products, and the cells of each customer; of `keys` the places alone are left."""
    mask = (np.int64(1) << places) - 1
    count = 0
    for customer in range(len(ends) - 1):
        last = np.int64(-1)
        for place in range(ends[customer], ends[customer + 1]):
            item = keys[place] >> places
            keys[place] &= mask
            if item != last:
                starts[count], items[count] = place, item
                count += 1
                last = item
        bounds[customer + 1] = count


@compiled_for_long
def _gather(order: NDArray[np.int64], starts: NDArray[np.int64], values: Floats, found: Floats) -> None:
    for cell in range(len(starts)):
        start = starts[cell]
        end = starts[cell + 1] if cell + 1 < len(starts) else len(order)
        for place in range(start, end):
            found[place] = values[order[place]]
        if end - start > 1:
            found[start:end].sort()


@compiled_for_long
def _differ(order: NDArray[np.int64], starts: NDArray[np.int64], values: Floats) -> Mask:
    found = np.zeros(len(starts), np.bool_)
    for cell in range(len(starts)):
        end = starts[cell + 1] if cell + 1 < len(starts) else len(order)
        for place in range(starts[cell] + 1, end):
            if np.floor(values[order[place]]) != np.floor(values[order[starts[cell]]]):
                found[cell] = True
                break
    return found
