"""Mixture: several closed-form models at once, each with more say about a pair the better it foresaw its silence.

Memoryless and regular customers are told apart by how long they kept silent, so the answer stays a single belief: more
silence never brings its due date nearer, which an average of the curves could not promise.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.closed_form import ClosedForm
from models.time_to_event.durations import Durations
from models.time_to_event.log_logistic import LogLogistic
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.pairs import Pairs
from models.time_to_event.weibull import Weibull

Part = BGNBD | LogLogistic | LogNormal | Weibull


@dataclass(frozen=True)
class Mixture:
    """All `parts` are believed alike on the day of the last purchase; each is fitted for itself."""

    name: ClassVar[str] = "mixture"
    parts: tuple[Part, ...] = (BGNBD(), LogLogistic())

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a mixture of no parts; give at least one, two that differ are better")

    def fit(self, durations: Durations) -> "FittedMixture":
        """Fit every part."""
        return FittedMixture(tuple(part.fit(durations) for part in self.parts))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedMixture":
        """The fitted model whose `arrays()` were saved."""
        parts = []
        for place, part in enumerate(self.parts):
            prefix = f"{place}/"
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            parts.append(part.restore(own))
        return FittedMixture(tuple(parts))


@dataclass(frozen=True)
class FittedMixture:
    """The fitted parts, all of the same units and the same day."""

    parts: tuple[ClosedForm, ...]
    name: ClassVar[str] = "mixture"

    @property
    def unit_ids(self) -> Ids:
        """The units that it learned about."""
        return self.parts[0].unit_ids

    @property
    def day(self) -> int:
        """The last day that it learned from."""
        return self.parts[0].day

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The curve of each pair, shape (pairs, horizons)."""
        return self._silence(pairs, horizons) / self._silence(pairs, np.zeros(1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of the parts, by `place/name`."""
        return {
            f"{place}/{name}": array for place, part in enumerate(self.parts) for name, array in part.arrays().items()
        }

    def _silence(self, pairs: Pairs, horizons: Floats) -> Floats:
        return np.asarray(np.mean([part.silence(pairs, horizons) for part in self.parts], axis=0), np.float64)
