"""What all closed-form models are once fitted: a formula of a pair's own history, and priors by unit and department."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs
from models.time_to_event.priors import Curve, Fitting, History, Priors, fitted_priors

_ROWS = 10_000
"""So many pairs at a time fit into the cache of a processor better than all."""


@dataclass(frozen=True)
class Formula:
    """A curve, what it knows of a pair, where its parameters are searched from, and which of them are a unit's own."""

    curve: Curve
    history: History
    start: Floats
    of_units: tuple[int, ...]


@dataclass(frozen=True)
class Shrunk:
    """The recipe of a closed form, but for its formula and name.

    `shrinkage` is the number of rows with whose weight a department's parameters are drawn to those of all. Those that
    are a unit's own are drawn to the department's; `unit_shrinkage` is how firmly. It learns from the days of asking of
    the last `window` days.
    """

    name: ClassVar[str]
    formula: ClassVar[Formula]
    shrinkage: float = 200.0
    unit_shrinkage: float = 2.0
    window: int = 42

    def fit(self, durations: Durations) -> "ClosedForm":
        """The parameters, from what came after the days in `durations`."""
        formula = self.formula
        fitting = Fitting(self.shrinkage, self.unit_shrinkage, formula.of_units, self.window)
        return self._with(fitted_priors(formula.curve, formula.history, formula.start, durations, fitting))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "ClosedForm":
        """The fitted model whose `arrays()` were saved."""
        return self._with(Priors.restored(arrays))

    def _with(self, priors: Priors) -> "ClosedForm":
        return ClosedForm(self.name, self.formula.curve, self.formula.history, priors)


@dataclass(frozen=True)
class ClosedForm:
    """Answers a new purchase at once: nothing about a customer is stored, the history comes with the pair.

    The formula speaks of the days since the last purchase, of which some have passed in silence when somebody asks.
    What it says then is the ratio of two of its values, hence more silence never brings the due date nearer.
    """

    name: str
    curve: Curve
    history: History
    priors: Priors

    @property
    def unit_ids(self) -> Ids:
        """The units that it learned about."""
        return self.priors.unit_ids

    @property
    def day(self) -> int:
        """The last day that it learned from."""
        return self.priors.day

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The curve of each pair, shape (pairs, horizons)."""
        return self.silence(pairs, horizons) / self.silence(pairs, np.zeros(1))

    def silence(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The probability, on the day of the last purchase, of none until `horizons` days after the day of asking."""
        parameters, history = self.priors.of(pairs), self.history(pairs)
        days = pairs.columns["elapsed"][:, None] + horizons[None, :]
        answer = np.empty(days.shape)
        for start in range(0, len(pairs), _ROWS):
            rows = slice(start, start + _ROWS)
            answer[rows] = self.curve(parameters[:, rows, None], history[:, rows, None], days[rows])
        return answer

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The priors."""
        return self.priors.arrays()
