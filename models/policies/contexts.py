"""What is known when a decision is made: one row a decision, one column a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats


@dataclass(frozen=True)
class Contexts:
    """`values` has shape (decisions, names); NaN stands for what is not known.

    >>> Contexts.of([{"cart_value": 40.0}, {"recency_days": 3.0}]).names
    ('cart_value', 'recency_days')
    """

    names: tuple[str, ...]
    values: Floats

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"contexts have {len(self.names)} names and values of shape {self.values.shape}")
        if len(set(self.names)) != len(self.names):
            raise ValueError("a name stands twice among the contexts' names; name each column once")
        if np.isinf(self.values).any():
            raise ValueError("a context is infinite; leave out what is not known")

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]], names: Sequence[str] | None = None) -> "Contexts":
        """From one mapping a decision; the names are sorted unless given, and what a row lacks is NaN."""
        chosen = tuple(sorted({name for row in rows for name in row})) if names is None else tuple(names)
        values = [[row.get(name, np.nan) for name in chosen] for row in rows]
        return cls(chosen, np.array(values, np.float64).reshape(len(rows), len(chosen)))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.int64]) -> "Contexts":
        """Some of the decisions, by their numbers."""
        return Contexts(self.names, self.values[rows])

    def columns(self, names: Sequence[str]) -> Floats:
        """The columns of `names` in their order, shape (decisions, names); NaN for a name that is not there."""
        places = {name: place for place, name in enumerate(self.names)}
        wide = np.column_stack([self.values, np.full(len(self.values), np.nan)])
        return wide[:, [places.get(name, len(self.names)) for name in names]]
