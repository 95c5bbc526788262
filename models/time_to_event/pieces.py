"""Follow-up cut into pieces within which a hazard is constant: one row a pair and cell, with the days spent in it.

The cells are laid out from the customer's last trip on, not from the day of asking. Asked again later, with nothing
bought in between, the same calendar day lies in the same cell and meets the same hazard; so waiting never brings a due
date nearer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask
from models.time_to_event.runs import Places


@dataclass(frozen=True)
class Cells:
    """Half-open cells (start, end] of days since the last trip; the last one never ends."""

    starts: Floats
    ends: Floats

    @classmethod
    def between(cls, edges: Sequence[int]) -> "Cells":
        """From 0 over `edges` to infinity."""
        inner = np.array(edges, np.float64)
        return cls(np.concatenate([[0.0], inner]), np.append(inner, np.inf))

    @property
    def middles(self) -> Floats:
        """A day that stands for each cell; the last is as far behind its start as that is behind the one before."""
        ends = self.ends.copy()
        ends[-1] = 2 * self.starts[-1] - self.starts[-2] if len(ends) > 1 else 1.0
        return (self.starts + ends) / 2.0

    def of(self, days: Floats) -> Places:
        """The cell that each day since the last trip lies in."""
        return np.maximum(np.searchsorted(self.ends, days, side="left"), 0)


@dataclass(frozen=True)
class Pieces:
    """`rows` (pieces,) are the pairs, `cells` where the piece lies, `days` how long it is."""

    rows: Places
    cells: Places
    days: Floats

    @classmethod
    def of(cls, quiet: Floats, follow: Floats | float, cells: Cells) -> "Pieces":
        """Of pairs whose customer made the last trip `quiet` days ago and who are followed for `follow` days.

        >>> Pieces.of(np.array([2.0]), 7.0, Cells.between([4, 20])).days.tolist()
        [2.0, 5.0]
        """
        end = quiet + follow
        start = np.maximum(quiet[:, None], cells.starts)
        days = np.minimum(end[:, None], cells.ends) - start
        rows, places = np.nonzero(days > 0)
        return cls(rows, places, days[rows, places])

    def __len__(self) -> int:
        return len(self.rows)

    def ending_in(self, ended: Mask) -> Mask:
        """The last piece of each pair that `ended` (pairs,) with a purchase: where the event is counted."""
        last = np.ones(len(self.rows), bool)
        last[:-1] = self.rows[1:] != self.rows[:-1]
        return np.asarray(last & ended[self.rows], bool)

    def survival(self, hazards: Floats, quiet: Floats, horizons: Floats, cells: Cells) -> Floats:
        """Curves (pairs, horizons) from the hazard of each piece, a day."""
        each = np.zeros((len(quiet), len(cells.starts)))
        each[self.rows, self.cells] = hazards
        until = np.zeros_like(each)
        until[:, 1:] = np.cumsum(each[:, :-1] * np.diff(cells.starts), axis=1)

        def gathered(days: Floats) -> Floats:
            cell = cells.of(days)
            spent = days - cells.starts[cell]
            return np.take_along_axis(until, cell, 1) + np.take_along_axis(each, cell, 1) * spent

        passed = gathered(quiet[:, None] + horizons) - gathered(quiet[:, None])
        return np.asarray(np.exp(-np.maximum(passed, 0.0)), np.float64)
