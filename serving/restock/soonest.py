"""An index of the table of who is due: how likely each customer needs anything at all, by any day ahead.

It is made once when the table is read. A page of who is due then looks only at the rows of customers who can be due,
from its cursor on, and all pages together look at each row once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.restock_table import RestockTable, at_days
from models.arrays import Floats, Mask

BLOCK = 20_000
"""Rows at a time: a few milliseconds, and three columns of them stay in the cache."""
_SPARE = 1e-6
"""Curves are kept with seven digits."""


@dataclass(frozen=True)
class Soonest:
    """`lowest` (customers, kept days) is the lowest of each customer's curves on each day that curves are kept at.

    Between two kept days no curve of the customer is below the line between their lowest, as each falls evenly there.
    """

    lowest: NDArray[np.float32]

    @classmethod
    def of(cls, table: RestockTable) -> "Soonest":
        """Of every customer of `table`."""
        curves = table.columns["curve"]
        lowest = np.minimum.reduceat(curves, table.starts[:-1], axis=0) if len(table) else curves
        return cls(np.asarray(lowest, np.float32))

    def may_be_due(self, by: int, least: float) -> Mask:
        """Which customers can have a need that comes until `by` days after the table with probability `least`.

        Nobody is left out who has one, whatever day the window begins on and however many days passed since the table.
        """
        return np.asarray(at_days(self.lowest, np.array([by]))[:, 0] <= 1 - least + _SPARE, bool)


def blocks(
    table: RestockTable, places: NDArray[np.int64], size: int = BLOCK
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The customers at `places` a few at a time, in order: their places, and the rows of all of them, about `size`."""
    counts = (table.starts[1:] - table.starts[:-1])[places]
    part = np.cumsum(counts) // size
    for members in np.split(places, np.flatnonzero(np.diff(part)) + 1):
        starts, lengths = table.starts[members], table.starts[members + 1] - table.starts[members]
        ends = np.cumsum(lengths)
        yield members, np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)


def chances(curves: NDArray[np.float32], passed: int, first: int, last: int) -> Floats:
    """How likely each need (rows,) comes in the days `first` to `last` after the table, given that it had not come
    until day `passed`."""
    alive, before, after = at_days(curves, np.array([passed, first - 1, last])).T
    return np.asarray(np.divide(before - after, alive, out=np.zeros(len(curves)), where=alive > 0), np.float64)
