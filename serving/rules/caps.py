"""Caps: an answer holds at most so many products of one brand, category or whatever column is named."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from models.arrays import Codes, Mask
from serving.rules.columns import Columns


class Caps:
    """Follows an answer while it is filled. `open` are the products that are not in it and still have room.

    A product without a value in a capped column is not capped by it.
    """

    def __init__(self, caps: Mapping[str, int], columns: Columns, codes: Codes) -> None:
        self._most = tuple(caps.values())
        self._values = tuple(capped(name, columns)[codes] for name in caps)
        self._counts: tuple[Counter[int], ...] = tuple(Counter() for _ in caps)
        self.open: Mask = np.ones(len(codes), bool)

    def take(self, index: int) -> None:
        """From now on the product at `index` stands in the answer."""
        self.open[index] = False
        for most, values, counts in zip(self._most, self._values, self._counts, strict=True):
            value = int(values[index])
            counts[value] += 1
            if value >= 0 and counts[value] >= most:
                self.open &= values != value


def capped(name: str, columns: Columns) -> Codes:
    """The values of a column as codes, -1 for none: `category.2` is its first two steps, `category` the whole path."""
    column, _, depth = name.partition(".")
    if column == "category" and depth:
        steps = columns.steps
        return steps[:, int(depth) - 1] if int(depth) <= steps.shape[1] else np.full(len(steps), -1, np.int32)
    return columns.text(name).codes


def roomy(caps: Mapping[str, int], columns: Columns, taken: Codes, codes: Codes) -> Mask:
    """Which of `codes` may still be added to an answer that holds `taken`."""
    if not caps or not len(taken):
        return np.ones(len(codes), bool)
    both = Caps(caps, columns, np.concatenate([taken, codes]))
    for index in range(len(taken)):
        both.take(index)
    return both.open[len(taken) :]
