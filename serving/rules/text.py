"""A column of text as codes: what is asked of every product is asked once for each distinct value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask

MAX_PATH_DEPTH = 6


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct values, in order of their first sight; the last is None, so that code -1 means unknown.

    `codes` is the way back from a value.
    """

    values: Ids
    codes: dict[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def paths(self) -> Codes:
        """Each value as a path with `/`, shape (values, depth): the code of its first step, of its first two, ...

        -1 where a path is shorter. Steps below the sixth are left out.
        """
        prefixes: dict[str, int] = {}
        rows = [_prefixes(value) for value in self.values]
        found = np.full((len(rows), max(map(len, rows), default=0)), -1, np.int32)
        for place, row in enumerate(rows):
            found[place, : len(row)] = [prefixes.setdefault(prefix, len(prefixes)) for prefix in row]
        return found

    @cached_property
    def numbers(self) -> Floats:
        """Each value read as a number, NaN where it is none, (values,)."""
        return np.array([*map(_number, self.values[:-1]), np.nan])

    def including(self, values: Sequence[str | None]) -> "Levels":
        """These and `values`; the same object when none is new."""
        new = [value for value in dict.fromkeys(values) if value is not None and value not in self.codes]
        if not new:
            return self
        known = self.values[:-1]
        codes = dict(zip(new, range(len(known), len(known) + len(new)), strict=True))
        return Levels(np.concatenate([known, np.array([*new, None], object)]), {**self.codes, **codes})


@dataclass(frozen=True, eq=False)
class Text:
    """One value a product: `levels.values[codes]`.

    >>> brand = Text.of(["Ronnefeldt", None, "Ronnefeldt"])
    >>> brand.holds(lambda value: value.startswith("R"), unknown=False).tolist()
    [True, False, True]
    """

    codes: Codes
    levels: Levels

    @classmethod
    def unknown(cls, size: int) -> "Text":
        """That of `size` products about which nothing is known."""
        return cls(np.full(size, -1, np.int32), Levels(np.array([None], object)))

    @classmethod
    def of(cls, values: Sequence[str | None]) -> "Text":
        """One value a product, None where it is not known."""
        return cls.unknown(len(values)).replaced(np.arange(len(values)), values)

    def holds(self, predicate: Callable[[str], bool], unknown: bool) -> Mask:
        """Which products' values fulfil `predicate`; those without one are `unknown`."""
        known = self.levels.values[:-1]
        table = np.fromiter(map(predicate, known), bool, len(known))
        mask: Mask = np.append(table, unknown)[self.codes]
        return mask

    def code(self, value: str) -> int:
        """The code of `value`; -2, which no product has, for one that nobody has."""
        return self.levels.codes.get(value, -2)

    def replaced(self, places: NDArray[np.int64], values: Sequence[str | None]) -> "Text":
        """With `values` at `places`; the same object when nothing differs."""
        levels = self.levels.including(values)
        codes = np.fromiter((-1 if value is None else levels.codes[value] for value in values), np.int32, len(values))
        if np.array_equal(self.codes[places], codes):
            return self
        changed = self.codes.copy()
        changed[places] = codes
        return Text(changed, levels)

    def inserted(self, places: NDArray[np.int64]) -> "Text":
        """With products of which nothing is known before `places`, as `numpy.insert` counts."""
        return Text(np.insert(self.codes, places, np.int32(-1)), self.levels)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    return number if isfinite(number) else float("nan")


def _prefixes(path: str | None) -> list[str]:
    steps = path.split("/")[:MAX_PATH_DEPTH] if path else []
    return ["/".join(steps[:depth]) for depth in range(1, len(steps) + 1)]
