"""Mean interval: "last purchase plus the usual interval", the rule of most campaign tools. A baseline, not advice.

On real groceries it is worse than a constant: whoever is overdue is due at once, while half of them never come back.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs


@dataclass(frozen=True)
class MeanInterval:
    """Says one day: the last purchase plus the mean of the pair's own intervals; the next day when that is past."""

    name: ClassVar[str] = "mean_interval"

    def fit(self, durations: Durations) -> "FittedMeanInterval":
        """Nothing is learned but which units there are."""
        return FittedMeanInterval(durations.purchases.unit_ids, durations.purchases.day)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedMeanInterval":
        """From `arrays()`."""
        return FittedMeanInterval(arrays["unit_ids"], int(arrays["day"]))


@dataclass(frozen=True)
class FittedMeanInterval:
    """A rule has no curve: 1 before the day that it says, 0 from then on."""

    unit_ids: Ids
    day: int
    name: ClassVar[str] = "mean_interval"

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """1 until the predicted day, then 0; a pair without an interval is never due."""
        wait = np.round(pairs.columns["mean_interval"]) - pairs.columns["elapsed"]
        due = np.where(np.isnan(wait), np.inf, np.maximum(wait, 1.0))
        return (horizons[None, :] < due[:, None]).astype(np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The units and the day."""
        return {"unit_ids": self.unit_ids, "day": np.array(self.day)}
