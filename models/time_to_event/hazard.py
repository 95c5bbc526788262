"""Hazard: how likely a purchase is on each coming day, learned by boosted trees from what followed in the past.

A piecewise exponential model: follow-up is cut into pieces with a constant hazard each, and a purchase in a piece is a
Poisson event in proportion to the days spent there, which treats censoring exactly (Friedman, "Piecewise exponential
models for survival data with covariates", Annals of Statistics, 1982; Bender et al., "A general machine learning
framework for survival analysis", ECML 2020). The trees correct the pair's own steady rate, as a closed-form offset.
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids
from models.booster import Booster, Trees
from models.time_to_event.durations import Durations
from models.time_to_event.hazard_columns import COLUMNS, FALLING, matrix
from models.time_to_event.pairs import Pairs
from models.time_to_event.pieces import Cells, Pieces
from models.time_to_event.recalibration import Recalibration
from models.time_to_event.unit_facts import FACTS, UnitFacts, own_rate

_PAIRS = 5_000
"""So many at a time fit into the cache."""
_CAUTION = 100.0
"""Purchases after a rehearsal, below which it is hardly believed."""


@dataclass(frozen=True)
class Hazard:
    """Cells of days since the last trip, divided at `edges`, have one hazard each. The trees correct a pair's own
    steady rate to the power of `trust`: 0 leaves all to them, which ranks best; 1 needs them least, which drifts least.

    At most `rows` pairs are learned from, drawn with `seed` among those whose day has `history` days of purchases
    before it (all, when none has): what is typical of a short history would not come back. Facts about units are as of
    each pair's day, so no row sees what followed.

    And it rehearses: the same is fitted, on less, to what was known `rehearsal` days before the end, and once
    more to twice as long before. How wrong both were in the days that followed is taken off in advance: whatever
    learns from the past is a little late every time. With 0 it does not. The rest is how the trees grow.
    """

    name: ClassVar[str] = "hazard"
    edges: tuple[int, ...] = (4, 10, 20, 36, 60, 90, 130)
    trust: float = 0.5
    history: int = 84
    rows: int = 250_000
    rehearsal: int = 28
    trees: int = 200
    leaves: int = 31
    learning_rate: float = 0.06
    smallest_leaf: int = 200
    column_share: float = 0.5
    l2: float = 10.0
    seed: int = 7

    def __post_init__(self) -> None:
        if list(self.edges) != sorted({*self.edges}) or min(self.edges, default=1) < 1:
            raise ValueError(f"edges={self.edges}; give days from 1 on in ascending order")

    def fit(self, durations: Durations) -> "FittedHazard":
        """Learn from everything in `durations`; several days of asking are needed to learn about units, too."""
        durations = durations.rows(_sorted(durations.pairs))
        purchases, pairs = durations.purchases, durations.pairs
        facts = UnitFacts.of(purchases, durations)
        rows = self._drawn(durations)
        told = np.empty((len(pairs), len(FACTS)), np.float32)
        for day in np.unique(pairs.days[rows]):
            then = np.flatnonzero(pairs.days == day)
            told[then] = UnitFacts.of(purchases.until(int(day)), durations).rows(pairs.rows(then.astype(np.int32)))
        booster, level = self._learned(durations.rows(rows), told[rows])
        return FittedHazard(self, facts, purchases.day, level, self._rehearsed(durations), booster)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedHazard":
        """The fitted model whose `arrays()` were saved. Raises ValueError when it saw other columns than these."""
        if tuple(arrays["columns"]) != COLUMNS:
            raise ValueError("this hazard was trained on other columns than this version knows; train it again")
        text = arrays["booster"]
        booster = Booster(text) if len(text) else None
        right = Recalibration(*arrays["recalibration"].tolist())
        return FittedHazard(
            self, UnitFacts.restored(arrays), int(arrays["day"]), float(arrays["level"]), right, booster
        )

    def _drawn(self, durations: Durations) -> Codes:
        days = durations.pairs.days
        begun = durations.purchases.days.min(initial=durations.purchases.day)
        long = days - begun >= self.history
        rows = np.flatnonzero(long) if long.any() else np.arange(len(days))
        if len(rows) > self.rows:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, self.rows, replace=False))
        return rows.astype(np.int32)

    def _learned(self, durations: Durations, facts: NDArray[np.float32]) -> tuple[Booster | None, float]:
        pairs, cells = durations.pairs, Cells.between(self.edges)
        pieces = Pieces.of(pairs.columns["quiet"], durations.times, cells)
        events = pieces.ending_in(durations.observed)
        exposure = (own_rate(pairs) ** self.trust)[pieces.rows] * pieces.days
        level = (events.sum() + 1.0) / (exposure.sum() + 1.0)
        if events.sum() < self.smallest_leaf:
            return None, float(level)
        trees = Trees(
            self.trees, self.leaves, self.learning_rate, self.smallest_leaf, self.column_share, self.l2, self.seed
        )
        rows = matrix(pairs, facts, pieces, cells)
        return trees.grown_rates(rows, events, level * exposure, FALLING), float(level)

    def _rehearsed(self, durations: Durations) -> Recalibration:
        """What two rehearsals agree on, the second a window earlier than the first."""
        if not self.rehearsal:
            return Recalibration()
        first = self._rehearsal(durations)
        return first.agreed(self._rehearsal(durations.seen_until(durations.purchases.day - self.rehearsal)))

    def _rehearsal(self, durations: Durations) -> Recalibration:
        days = durations.pairs.days
        asked = days[days <= durations.purchases.day - self.rehearsal]
        if not len(asked) or not (days < asked.max()).any():
            return Recalibration()
        trees, rate = max(self.trees // 2, 1), min(2 * self.learning_rate, 1.0)
        less = replace(self, rehearsal=0, rows=self.rows // 3, trees=trees, learning_rate=rate)
        model = less.fit(durations.seen_until(int(asked.max())))
        return model.corrected(durations.rows(days == asked.max()), self.rehearsal)


@dataclass(frozen=True)
class FittedHazard:
    """The trees (None when there was too little to grow any), and `facts` about units as of the last `day`.

    A pair's hazard is its own steady rate, times `level`, times what the trees say, then set right by `recalibration`.
    """

    recipe: Hazard
    facts: UnitFacts
    day: int
    level: float
    recalibration: Recalibration
    booster: Booster | None
    name: str = field(default=Hazard.name, init=False)

    @property
    def unit_ids(self) -> Ids:
        """The units that it has facts about."""
        return self.facts.unit_ids

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The curve of each pair, shape (pairs, horizons)."""
        curves = np.empty((len(pairs), len(horizons)))
        for start in range(0, len(pairs), _PAIRS):
            rows = np.arange(start, min(start + _PAIRS, len(pairs)), dtype=np.int32)
            some = pairs.rows(rows)
            pieces = Pieces.of(some.columns["quiet"], float(horizons.max(initial=0.0)), self._cells)
            curves[rows] = pieces.survival(self._hazards(some, pieces), some.columns["quiet"], horizons, self._cells)
        return curves

    def corrected(self, durations: Durations, days: int) -> Recalibration:
        """How to set right what this model says, judged by the first `days` after each day of asking."""
        pairs = durations.pairs
        pieces = Pieces.of(pairs.columns["quiet"], np.minimum(durations.times, float(days)), self._cells)
        events = pieces.ending_in(durations.observed & (durations.times <= days))
        return Recalibration.of(self._hazards(pairs, pieces), pieces.days, events, _CAUTION)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was fitted."""
        text = np.empty(0, np.uint8) if self.booster is None else self.booster.text
        columns = np.array(COLUMNS, object)
        right = np.array([self.recalibration.shift, self.recalibration.slope, self.recalibration.centre])
        learned = {"level": np.array(self.level), "recalibration": right, "booster": text, "columns": columns}
        return {**self.facts.arrays(), **learned, "day": np.array(self.day)}

    @property
    def _cells(self) -> Cells:
        return Cells.between(self.recipe.edges)

    def _hazards(self, pairs: Pairs, pieces: Pieces) -> Floats:
        """Of each piece, a day."""
        hazards = self.level * (own_rate(pairs) ** self.recipe.trust)[pieces.rows]
        if self.booster is not None:
            hazards *= np.exp(self.booster.scores(matrix(pairs, self.facts.rows(pairs), pieces, self._cells)))
        return self.recalibration.applied(hazards)


def _sorted(pairs: Pairs) -> Codes:
    """By day, customer and unit, whatever order the rows came in: sums in another order would grow other trees."""
    return np.lexsort((pairs.units, pairs.customers, pairs.days)).astype(np.int32)
