"""A customer's own history with each product, in days and in trips: how often, how lately, how regularly, how due.

A trip is a day on which the customer came. Ten trips ago is a month for one and a year for another; counting in both
units lets a ranker learn which clock runs. Personal frequency that fades is from Hu et al., "Modeling personalized item
frequency information for next-basket recommendation" (SIGIR 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.base import Query
from models.recommenders.timelines import Places, Timelines

OWN = (
    "own_weight",
    "own_heaviest",
    "own_trips",
    "own_trip_share",
    "own_7d",
    "own_30d",
    "own_90d",
    "own_3_trips",
    "own_8_trips",
    "own_20_trips",
    "own_since",
    "own_since_trips",
    "own_since_first",
    "own_interval",
    "own_interval_trips",
    "own_due",
    "own_due_trips",
)
CONTEXT = (
    "trips",
    "entries",
    "products",
    "recency",
    "trip_interval",
    "trips_28d",
    "basket",
    "variety",
    "last_basket",
)
_HALF_DAYS = np.array([[7.0], [30.0], [90.0]])
_HALF_TRIPS = np.array([[3.0], [8.0], [20.0]])


@dataclass(frozen=True)
class OwnHistories:
    """Of several customers, whose trips stand one after another: customer q's from `bounds[q]` to `bounds[q + 1]`, each
    with its day in `days`, its age in `ages` (in days) and its customer in `travellers`.

    A visit is a product on a trip: `visited` is the code of the product, `visitors` the customer, `visit_trips` the
    trip, `firsts` tells the first visit of each. They are sorted by customer, product and time; those of the p-th
    distinct (customer, product) begin at `starts[p]`, and `cells[p]` is customer * `width` + product, `weights[p]` the
    sum and `heaviest[p]` the largest of the weights. `context` (customers, len(CONTEXT)) tells of the customers alone.
    """

    width: int
    bounds: Places
    travellers: Places
    days: Floats
    ages: Floats
    visited: Places
    visitors: Places
    visit_trips: Places
    firsts: NDArray[np.bool_]
    starts: Places
    cells: Places
    weights: Floats
    heaviest: Floats
    context: Floats

    @classmethod
    def of(cls, queries: Sequence[Query], codes: Sequence[Codes], width: int) -> "OwnHistories":
        """What `queries` show; `codes` are those of each one's `history_ids`, below `width`, and at least one is known
        (not -1) in each."""
        told = Timelines.of(queries, codes, width)
        floors = np.floor(told.days)
        sets_out = _begins(told.owners, floors)
        trips = np.cumsum(sets_out) - 1
        travellers, days = told.owners[sets_out], floors[sets_out]
        bounds = np.searchsorted(travellers, np.arange(len(queries) + 1))
        ages = np.maximum(told.now, days[bounds[1:] - 1])[travellers] - days
        of_entry, weights = trips[told.order], told.weights[told.order]
        firsts = _begins(told.cells)
        entries = np.flatnonzero(firsts)
        visits = np.flatnonzero(_begins(told.cells, of_entry))
        firsts, at = firsts[visits], told.order[visits]
        visitors, visit_trips = told.owners[at], of_entry[visits]
        starts = np.append(np.flatnonzero(firsts), len(visits))
        counts, known = np.diff(bounds), np.diff(told.starts)
        distinct = np.bincount(visitors[starts[:-1]], minlength=len(queries))
        context = (
            counts,
            known,
            distinct,
            ages[bounds[1:] - 1],
            (days[bounds[1:] - 1] - days[bounds[:-1]]) / np.maximum(counts - 1, 1),
            np.bincount(travellers, ages <= 28, len(queries)),
            known / counts,
            distinct / known,
            np.bincount(visitors, visit_trips == bounds[1:][visitors] - 1, len(queries)),
        )
        return cls(
            width,
            bounds,
            travellers,
            days,
            ages,
            told.products[at],
            visitors,
            visit_trips,
            firsts,
            starts,
            told.cells[entries],
            np.add.reduceat(weights, entries),
            np.maximum.reduceat(weights, entries),
            np.stack(context, axis=1).astype(np.float64),
        )

    def rows(self, cells: Places) -> tuple[Places, Floats, Places]:
        """Which of `cells` were touched, what is shown of them, (len(OWN), touched + 1), and the column of each cell.

        The last column is that of all that were never touched: counts are 0 and times open.
        """
        places = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        hits = self.cells[places] == cells
        touched = np.flatnonzero(hits)
        found = np.empty((len(OWN), len(touched) + 1))
        found[:10, -1], found[10:, -1] = 0, np.nan
        if len(touched):
            found[:, :-1] = self._touched(places[touched])
        return touched, found, np.where(hits, np.cumsum(hits) - 1, len(touched))

    def _touched(self, places: Places) -> Floats:
        starts, times = self.starts[places], self.starts[places + 1] - self.starts[places]
        first, last = self.visit_trips[starts], self.visit_trips[starts + times - 1]
        back = self.bounds[self.travellers + 1] - 1 - np.arange(len(self.days))
        fading = np.concatenate([np.exp2(-self.ages / _HALF_DAYS), np.exp2(-back / _HALF_TRIPS)])
        before = np.cumsum(times) - times
        trips = self.visit_trips[np.repeat(starts - before, times) + np.arange(times.sum())]
        since, since_trips = self.ages[last], back[last]
        again, steps = times > 1, np.maximum(times - 1, 1)
        interval = np.where(again, (self.days[last] - self.days[first]) / steps, np.nan)
        interval_trips = np.where(again, (last - first) / steps, np.nan)
        found = np.empty((len(OWN), len(places)))
        found[0] = self.weights[places]
        found[1] = self.heaviest[places]
        found[2] = times
        found[3] = times / np.diff(self.bounds)[self.travellers[first]]
        found[4:10] = np.add.reduceat(fading[:, trips], before, axis=1)
        found[10] = since
        found[11] = since_trips
        found[12] = self.ages[first]
        found[13] = interval
        found[14] = interval_trips
        found[15] = since / interval
        found[16] = (since_trips + 1) / interval_trips
        return found


def _begins(*columns: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it in any of `columns`; the first one does."""
    found = np.zeros(len(columns[0]), bool)
    found[:1] = True
    for column in columns:
        found[1:] |= column[1:] != column[:-1]
    return found
