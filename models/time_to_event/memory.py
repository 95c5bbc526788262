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
    purchases = lines.by_group(Groups.of(catalogue, lines))
    days = recipe.origins_before(lines.day)
    return max(rows_asked(of, days, recipe.watch) for of in (purchases, purchases.orders()))


def bytes_needed(recipe: Replenishment, lines: Lines, catalogue: Catalogue) -> int:
    """The most that `recipe.fit` holds at a time beside the `lines` themselves."""
    rows = rows_of(recipe, lines, catalogue)
    drawn = min(rows, recipe.need.rows) if isinstance(recipe.need, Hazard) else 0
    return LINE * len(lines.days) + ROW * rows + DRAWN * drawn


class TooLarge(ValueError):
    """A fit would not find its memory; it would with so many `origins`, None where two are too many."""

    def __init__(self, words: str, origins: int | None) -> None:
        super().__init__(words)
        self.origins = origins


def check(recipe: Replenishment, lines: Lines, catalogue: Catalogue, memory: int | None) -> None:
    """Raises TooLarge when `recipe.fit` needs more than `memory` bytes, which says how much, and what would do."""
    if memory is None:
        return
    needed = bytes_needed(recipe, lines, catalogue)
    if needed > memory:
        origins = _origins_that_fit(recipe, lines, catalogue, memory)
        way_out = f"take origins={origins}, or train on fewer days"
        if origins is None:
            way_out = "train on fewer days, or on a machine with more memory"
        raise TooLarge(
            f"{recipe.name} over {lines.customer_count:,} customers and {len(lines.days):,} lines needs "
            f"{needed / 1e9:.1f} GB of memory, {memory / 1e9:.1f} GB are free: {way_out}",
            origins,
        )


def _origins_that_fit(recipe: Replenishment, lines: Lines, catalogue: Catalogue, memory: int) -> int | None:
    """The most days of asking that find their memory, two at least. Not all that is needed shrinks with them."""
    for origins in range(recipe.origins - 1, 1, -1):
        if bytes_needed(replace(recipe, origins=origins), lines, catalogue) <= memory:
            return origins
    return None
