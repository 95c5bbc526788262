"""What the fit of a replenishment model takes of memory, asked before it starts: a refusal instead of a killed process.

What is large are the rows that its parts learn from, one a pair and day of asking: they can be counted without being
made.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.catalogue import Catalogue
from models.time_to_event.groups import Groups
from models.time_to_event.hazard import Hazard
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import Watch
from models.time_to_event.purchases import Purchases
from models.time_to_event.replenishment import Replenishment

LINE, ROW, DRAWN = 100, 850, 2_200
"""Bytes that were measured: a line, a row that is learned from, and once more for a row that the trees are grown on."""

Clocks = tuple[Purchases, Purchases]
"""Purchases of groups, and orders."""


def rows_asked(purchases: Purchases, days: Sequence[int], watch: Watch) -> int:
    """How many rows `Durations.of` has for these days of asking."""
    asked = np.sort(np.array([day for day in days if day < purchases.day], np.int64))
    first = np.ones(len(purchases.days), bool)
    first[1:] = (np.diff(purchases.customers) != 0) | (np.diff(purchases.units) != 0)
    starts = np.flatnonzero(first)
    number = np.arange(len(first)) - np.repeat(starts, np.diff(np.append(starts, len(first)))) + 1
    last = purchases.days.astype(np.int64) + watch.days
    follows = np.append(~first[1:], False)[: len(first)]
    last[follows] = np.minimum(last[follows], purchases.days[1:][follows[:-1]] - 1)
    known = number >= watch.purchases
    begins = np.searchsorted(asked, purchases.days[known], side="left")
    return int((np.searchsorted(asked, last[known], side="right") - begins).sum())


def rows_of(recipe: Replenishment, lines: Lines, catalogue: Catalogue) -> int:
    """How many rows the larger of its two clocks learns from."""
    return _rows(recipe, _clocks(lines, catalogue))


def bytes_needed(recipe: Replenishment, lines: Lines, catalogue: Catalogue) -> int:
    """The most that `recipe.fit` holds at a time beside the `lines` themselves."""
    return _bytes(recipe, len(lines.days), _clocks(lines, catalogue))


class TooLarge(ValueError):
    """A fit would not find its memory; it would with so many `origins`, None where two are too many."""

    def __init__(self, words: str, origins: int | None) -> None:
        super().__init__(words)
        self.origins = origins


def check(recipe: Replenishment, lines: Lines, catalogue: Catalogue, memory: int | None) -> None:
    """Raises TooLarge when `recipe.fit` needs more than `memory` bytes, which says how much, and what would do."""
    if memory is None:
        return
    clocks = _clocks(lines, catalogue)
    needed = _bytes(recipe, len(lines.days), clocks)
    if needed > memory:
        origins = _origins_that_fit(recipe, len(lines.days), clocks, memory)
        way_out = f"take origins={origins}, or train on fewer days"
        if origins is None:
            way_out = "train on fewer days, or on a machine with more memory"
        raise TooLarge(
            f"{recipe.name} over {lines.customer_count:,} customers and {len(lines.days):,} lines needs "
            f"{needed / 1e9:.1f} GB of memory, {memory / 1e9:.1f} GB are free: {way_out}",
            origins,
        )


def _clocks(lines: Lines, catalogue: Catalogue) -> Clocks:
    purchases = lines.by_group(Groups.of(catalogue, lines))
    return purchases, purchases.orders()


def _rows(recipe: Replenishment, clocks: Clocks) -> int:
    days = recipe.origins_before(clocks[0].day)
    return max(rows_asked(of, days, recipe.watch) for of in clocks)


def _bytes(recipe: Replenishment, lines: int, clocks: Clocks) -> int:
    rows = _rows(recipe, clocks)
    drawn = min(rows, recipe.need.rows) if isinstance(recipe.need, Hazard) else 0
    return LINE * lines + ROW * rows + DRAWN * drawn


def _origins_that_fit(recipe: Replenishment, lines: int, clocks: Clocks, memory: int) -> int | None:
    """The most days of asking that find their memory, two at least. Not all that is needed shrinks with them."""
    for origins in range(recipe.origins - 1, 1, -1):
        if _bytes(replace(recipe, origins=origins), lines, clocks) <= memory:
            return origins
    return None
