"""Log-logistic renewal: like the log-normal, with heavier tails; of the models in closed form it foresees best.

A week overdue, then, says less than the log-normal believes: shopping lists are not kept that well.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arrays import Floats
from models.time_to_event.closed_form import ClosedForm
from models.time_to_event.durations import Durations
from models.time_to_event.priors import Fitting, Priors, fitted_priors
from models.time_to_event.renewal import OF_UNITS, START, history, renewal


@dataclass(frozen=True)
class LogLogistic:
    """Intervals of a pair are log-logistic with a mean and a variance of its own, shrunk towards its unit.

    `shrinkage`, `unit_shrinkage` and `window` are as in `BGNBD`.
    """

    name: ClassVar[str] = "log_logistic"
    shrinkage: float = 200.0
    unit_shrinkage: float = 2.0
    window: int = 42

    def fit(self, durations: Durations) -> ClosedForm:
        """Six parameters a department, two a unit, from what came after the days in `durations`."""
        fitting = Fitting(self.shrinkage, self.unit_shrinkage, OF_UNITS, self.window)
        return self._with(fitted_priors(_CURVE, history, START, durations, fitting))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> ClosedForm:
        """The fitted model whose `arrays()` were saved."""
        return self._with(Priors.restored(arrays))

    def _with(self, priors: Priors) -> ClosedForm:
        return ClosedForm(self.name, _CURVE, history, priors)


def _tail(distance: Floats) -> Floats:
    return np.asarray(expit(-_UNIT * distance), np.float64)


_UNIT = np.pi / np.sqrt(3.0)
"""A logistic distribution has this standard deviation."""
_CURVE = renewal(_tail)
