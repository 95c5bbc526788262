"""A customer's own history with each product, in days and in trips: how often, how lately, how regularly, how due.

A trip is a day on which the customer came. Ten trips ago is a month for one and a year for another; counting in both
units lets a ranker learn which clock runs. Personal frequency that fades is from Hu et al., "Modeling personalized item
frequency information for next-basket recommendation" (SIGIR 2020).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.base import Query
from models.recommenders.history import moment

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
_HALF_DAYS = np.array([7.0, 30.0, 90.0])
_HALF_TRIPS = np.array([3.0, 8.0, 20.0])


@dataclass(frozen=True)
class OwnHistory:
    """`products` are the distinct codes, sorted, and `own` (products + 1, len(OWN)) what he shows of them. Its last
    row is that of a product never touched.

    A visit is a product on a trip: `visited` is the code of the product, `visit_trips` the place of the trip among all
    `trips`, `visit_ages` its age in days. `context` (len(CONTEXT),) tells of the customer alone.
    """

    products: NDArray[np.int64]
    own: Floats
    visited: NDArray[np.int64]
    visit_trips: NDArray[np.int64]
    visit_ages: Floats
    trips: int
    context: Floats

    @classmethod
    def of(cls, query: Query, codes: Codes) -> "OwnHistory":
        """What `query` shows; `codes` are those of its `history_ids`, and at least one is known (not -1)."""
        known = np.flatnonzero(codes >= 0)
        days = np.floor(query.days[known])
        now = max(moment(query, query.days[known]), float(days.max()))
        trips, places = np.unique(days, return_inverse=True)
        count = len(trips)
        weights = query.weights[known]
        cells = codes[known].astype(np.int64) * count + places
        order = np.lexsort((weights, cells))
        cells, weights = cells[order], weights[order]
        cell_starts = _starts(cells)
        visited, visit_trips = np.divmod(cells[cell_starts], count)
        ages = now - trips
        starts = _starts(visited)
        ends = np.append(starts[1:], len(visited)) - 1
        own = np.empty((len(starts) + 1, len(OWN)))
        own[-1] = np.nan
        own[-1, :10] = 0
        own[:-1, 0] = np.add.reduceat(weights, cell_starts[starts])
        own[:-1, 1] = np.maximum.reduceat(weights, cell_starts[starts])
        times = ends - starts + 1
        own[:-1, 2] = times
        own[:-1, 3] = times / count
        # All trips of the customer are few, so fading is computed once for each and looked up for each visit.
        fading = np.concatenate(
            [
                np.exp2(-ages[:, None] / _HALF_DAYS),
                np.exp2(-np.arange(count - 1, -1, -1)[:, None] / _HALF_TRIPS),
            ],
            axis=1,
        )
        own[:-1, 4:10] = np.add.reduceat(fading[visit_trips], starts, axis=0)
        first, last = visit_trips[starts], visit_trips[ends]
        since, since_trips = ages[last], count - 1.0 - last
        again = times > 1
        interval = np.where(again, (trips[last] - trips[first]) / np.maximum(times - 1, 1), np.nan)
        interval_trips = np.where(again, (last - first) / np.maximum(times - 1, 1), np.nan)
        own[:-1, 10] = since
        own[:-1, 11] = since_trips
        own[:-1, 12] = ages[first]
        own[:-1, 13] = interval
        own[:-1, 14] = interval_trips
        own[:-1, 15] = since / interval
        own[:-1, 16] = (since_trips + 1) / interval_trips
        context = np.array(
            [
                count,
                len(known),
                len(starts),
                ages[-1],
                (trips[-1] - trips[0]) / max(count - 1, 1),
                (ages <= 28).sum(),
                len(known) / count,
                len(starts) / len(known),
                (visit_trips == count - 1).sum(),
            ],
            np.float64,
        )
        return cls(visited[starts], own, visited, visit_trips, ages[visit_trips], count, context)

    def rows(self, candidates: NDArray[np.int64]) -> Floats:
        """`own` of each candidate, (candidates, len(OWN))."""
        places = np.searchsorted(self.products, candidates)
        found = self.products[np.minimum(places, len(self.products) - 1)] == candidates
        return self.own[np.where(found, places, -1)]


def _starts(sorted_values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(np.append(True, sorted_values[1:] != sorted_values[:-1]))
