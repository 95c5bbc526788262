"""What a time-to-event model must beat to be worth its name: the crowd's curve, the usual rule, and closed formulas.

And what a cart must beat, which is less about time: what the customer bought often.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids
from models.time_to_event.base import TimeToEvent
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.durations import Durations
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.pairs import Pairs
from models.time_to_event.weibull import Weibull


@dataclass(frozen=True)
class Constant:
    """The same curve for everybody: Kaplan and Meier's of all durations (1958)."""

    name: ClassVar[str] = "constant"

    def fit(self, durations: Durations) -> "FittedConstant":
        """Count who came on each day among those who were still watched."""
        times = durations.times.astype(np.int64)
        count = int(times.max(initial=0)) + 1
        watched = np.cumsum(np.bincount(times, minlength=count)[::-1])[::-1]
        came = np.bincount(times[durations.observed], minlength=count)
        curve = np.asarray(np.cumprod(1 - came / np.maximum(watched, 1)), np.float64)
        return FittedConstant(curve, durations.purchases.unit_ids, durations.purchases.day)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedConstant":
        """The fitted model whose `arrays()` were saved."""
        return FittedConstant(arrays["curve"], arrays["unit_ids"], int(arrays["day"]))


@dataclass(frozen=True)
class FittedConstant:
    """`curve` (days,) is survival at the end of each day from 0 on; behind its end it stays as it is."""

    curve: Floats
    unit_ids: Ids
    day: int
    name: ClassVar[str] = "constant"

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The curve, for each pair."""
        days = np.minimum(horizons.astype(np.int64), len(self.curve) - 1)
        return np.tile(self.curve[days], (len(pairs), 1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The curve."""
        return {"curve": self.curve, "unit_ids": self.unit_ids, "day": np.array(self.day)}


BASELINES: dict[str, TimeToEvent] = {
    "constant": Constant(),
    "mean interval": MeanInterval(),
    "log-normal": LogNormal(),
    "Weibull": Weibull(),
    "BG/NBD": BGNBD(),
}


def frequencies(exam: Durations, half_life: float = 45.0) -> dict[str, Floats]:
    """How often each pair was bought until its day, (rows,), as it is and with purchases fading by half."""
    pairs, purchases = exam.pairs, exam.purchases
    decayed = np.empty(len(pairs))
    for day in np.unique(pairs.days):
        known = purchases.until(int(day))
        keys, places = np.unique(_keys(known.customers, known.units), return_inverse=True)
        sums = np.bincount(places, np.exp2((known.days - day) / half_life), len(keys))
        rows = pairs.days == day
        decayed[rows] = sums[np.searchsorted(keys, _keys(pairs.customers[rows], pairs.units[rows]))]
    return {"count": pairs.columns["purchases"], "decayed frequency": decayed}


def _keys(customers: Codes, units: Codes) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = customers.astype(np.int64) * 2**31 + units
    return keys
