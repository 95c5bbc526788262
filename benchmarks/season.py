"""A season on top of any time-to-event model: each part of the year sells a unit better or worse than it usually does.

An ablation, as one year of data cannot tell a season from a trend: the hazard of each day is multiplied by the index
of its unit and part of the year, which is events seen over events that the model expected, shrunk to its department's.
With a year of a single part what is left is how much more a unit sells than the model thinks: a level, and no season.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, codes_of
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.curves import daily
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.pairs import Pairs

_YEAR = 365.25
_ROWS = 50_000


@dataclass(frozen=True)
class Seasonal:
    """`doubt` is how many expected events weigh as much as the department's index, or 1 for a department.

    `parts` is into how many parts a year falls.
    """

    base: TimeToEvent
    doubt: float = 10.0
    parts: int = 26
    name: ClassVar[str] = "seasonal"

    def fit(self, durations: Durations) -> "FittedSeasonal":
        """The base as it is, then what it missed by part of the year."""
        base = self.base.fit(durations)
        purchases = durations.purchases
        seen = np.zeros((len(purchases.unit_ids), self.parts))
        expected = np.zeros_like(seen)
        ahead = np.arange(1, HORIZON + 1)
        for start in range(0, len(durations.times), _ROWS):
            part = durations.rows(np.arange(start, min(start + _ROWS, len(durations.times)), dtype=np.int32))
            hazards = _hazards(daily(base, part.pairs)) * (ahead <= part.times[:, None])
            place = _parts(part.pairs.days[:, None] + ahead, self.parts)
            units = np.broadcast_to(part.pairs.units[:, None], place.shape)
            expected += _sums(units * self.parts + place, hazards, seen.shape)
            came = part.observed
            at = place[came, part.times[came].astype(np.int64) - 1]
            seen += _sums(part.pairs.units[came] * self.parts + at, np.ones(int(came.sum())), seen.shape)
        departments = np.zeros((2, len(purchases.parent_ids), self.parts))
        np.add.at(departments[0], purchases.parents, seen)
        np.add.at(departments[1], purchases.parents, expected)
        kind = (departments[0] + self.doubt) / (departments[1] + self.doubt)
        index = (seen + self.doubt * kind[purchases.parents]) / (expected + self.doubt)
        return FittedSeasonal(base, index, purchases.unit_ids)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedTimeToEvent:
        """Never asked for: it is not published."""
        raise NotImplementedError(f"{self.name} is an ablation of a benchmark and is not stored")


@dataclass(frozen=True)
class FittedSeasonal:
    """`index` (units, parts of the year) is 1 where the unit sells as usual."""

    base: FittedTimeToEvent
    index: Floats
    unit_ids: Ids
    name: ClassVar[str] = "seasonal"

    @property
    def day(self) -> int:
        """That of the base."""
        return self.base.day

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The curve of the base with the hazard of each day as high as its part of the year is."""
        ahead = np.arange(1, int(horizons.max()) + 1)
        curves = daily(self.base, pairs, len(ahead))
        known = codes_of(pairs.unit_ids, self.unit_ids)[pairs.units]
        index = np.where(
            known[:, None] >= 0,
            self.index[known[:, None], _parts(pairs.days[:, None] + ahead, self.index.shape[1])],
            1.0,
        )
        curves[:, 1:] = np.cumprod(1 - np.minimum(_hazards(curves) * index, 1.0), axis=1)
        return np.asarray(curves[:, horizons.astype(np.int64)], np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The index."""
        return {"index": self.index}


def _hazards(curves: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(curves[:, :-1] > 0, 1 - curves[:, 1:] / curves[:, :-1], 0.0)


def _parts(days: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = (days % _YEAR * parts // _YEAR).astype(np.int64)
    return places


def _sums(cells: NDArray[np.int64], values: Floats, shape: tuple[int, ...]) -> Floats:
    return np.bincount(cells.ravel(), values.ravel(), int(np.prod(shape))).astype(np.float64).reshape(shape)
