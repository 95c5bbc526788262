"""Log-normal renewal: the logarithms of a pair's intervals are normal around its own pace, until it stops.

Bhagat, Muralidharan, Lobzhanidze and Vishwanath, "Buy it again: modeling repeat purchase recommendations" (KDD, 2018)
have one such curve a product; here each customer has one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models.arrays import Floats
from models.time_to_event.closed_form import ClosedForm
from models.time_to_event.durations import Durations
from models.time_to_event.priors import Fitting, Priors, fitted_priors
from models.time_to_event.renewal import OF_UNITS, START, history, renewal


@dataclass(frozen=True)
class LogNormal:
    """Intervals of a pair are log-normal with a mean and a variance of its own, shrunk towards its unit.

    `shrinkage`, `unit_shrinkage` and `window` are as in `BGNBD`.
    """

    name: ClassVar[str] = "log_normal"
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
    return np.asarray(ndtr(-distance), np.float64)


_CURVE = renewal(_tail)
