"""Contexts as columns of a linear model: standardised by what was seen so far, with a flag for what is not known."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.contexts import Contexts

_FURTHEST = 4.0
"""Standard deviations at which a value is cut: one odd cart must not turn a model."""


@dataclass(frozen=True)
class Standardised:
    """Means and deviations by name, and for which names something was ever missing.

    `names` are sorted; `counts`, `means` and `squares` (names) are of the values known, `squares` being the summed
    squares around the mean. `missing` (names) says whose absence has been seen and has a column of its own.
    """

    names: tuple[str, ...] = ()
    counts: Floats = field(default_factory=lambda: np.empty(0))
    means: Floats = field(default_factory=lambda: np.empty(0))
    squares: Floats = field(default_factory=lambda: np.empty(0))
    missing: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names: the constant, each context, and each flag, which ends in a question mark."""
        return ("", *self.names, *(f"{name}?" for name in self.missing))

    def grown(self, contexts: Contexts) -> "Standardised":
        """With the moments of `contexts` too (Chan, Golub and LeVeque's update); new names begin with them."""
        names = tuple(sorted({*self.names, *contexts.names}))
        values = contexts.columns(names)
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0)
        more = known.sum(axis=0).astype(np.float64)
        mean = filled.sum(axis=0) / np.maximum(more, 1.0)
        spread = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
        counts, means, squares = self._at(names)
        total = np.maximum(counts + more, 1.0)
        apart = mean - means
        lacking = {name for name, some in zip(names, more, strict=True) if some < len(contexts)}
        return Standardised(
            names,
            counts + more,
            means + apart * more / total,
            squares + spread + apart**2 * counts * more / total,
            tuple(sorted({*self.missing, *lacking})) if len(contexts) else self.missing,
        )

    def _at(self, names: tuple[str, ...]) -> tuple[Floats, Floats, Floats]:
        places = [names.index(name) for name in self.names]
        found = np.zeros((3, len(names)))
        found[:, places] = self.counts, self.means, self.squares
        return found[0], found[1], found[2]

    def matrix(self, contexts: Contexts) -> Floats:
        """(decisions, columns): 1, the standardised contexts with 0 for what is not known, and the flags.

        Names that were never learned have no column.
        """
        values = contexts.columns(self.names)
        deviations = np.sqrt(self.squares / np.maximum(self.counts, 1.0))
        constant = deviations <= 1e-9 * np.abs(self.means)
        scaled = (values - self.means) / np.where(constant, 1.0, deviations)
        cut = np.clip(np.nan_to_num(scaled, nan=0.0), -_FURTHEST, _FURTHEST)
        flags = np.isnan(contexts.columns(self.missing)).astype(np.float64)
        return np.column_stack([np.ones(len(contexts)), cut, flags])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {
            "context_names": np.array(self.names, object),
            "context_counts": self.counts,
            "context_means": self.means,
            "context_squares": self.squares,
            "context_missing": np.array(self.missing, object),
        }

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]]) -> "Standardised":
        """From `arrays()`."""
        return cls(
            tuple(arrays["context_names"].tolist()),
            arrays["context_counts"],
            arrays["context_means"],
            arrays["context_squares"],
            tuple(arrays["context_missing"].tolist()),
        )
