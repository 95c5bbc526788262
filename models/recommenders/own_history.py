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
from models.compiled import compiled
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
_OWN, _CONTEXT, _SINCE = len(OWN), len(CONTEXT), OWN.index("own_since")
_HALF_DAYS = np.array([7.0, 30.0, 90.0])
_HALF_TRIPS = np.array([3.0, 8.0, 20.0])


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
        trips, bounds, travellers, days, ages = _trips(told.owners, told.days, told.now)
        visits, firsts, starts, cells, weights, heaviest = _visits(told.order, told.cells, trips, told.weights)
        at = told.order[visits]
        visitors, visit_trips = told.owners[at], trips[at]
        context = _context(bounds, days, ages, told.starts, visitors, visit_trips, firsts)
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
            cells,
            weights,
            heaviest,
            context,
        )

    def rows(self, cells: Places) -> tuple[Places, Floats, Places]:
        """Which of `cells` were touched, what is shown of them, (len(OWN), touched + 1), and the column of each cell.

        The last column is that of all that were never touched: counts are 0 and times open.
        """
        places = _places(self.cells, cells)
        touched = np.flatnonzero(places >= 0)
        found = _touched(
            places[touched],
            self.bounds,
            self.travellers,
            self.days,
            self.ages,
            self.visit_trips,
            self.starts,
            self.weights,
            self.heaviest,
        )
        columns = np.full(len(cells), len(touched))
        columns[touched] = np.arange(len(touched))
        return touched, found, columns


@compiled
def _trips(owners: Places, days: Floats, now: Floats) -> tuple[Places, Places, Places, Floats, Floats]:
    """The trip of each entry; where those of each customer begin; customer, day and age of each trip."""
    trips, travellers, floors = np.empty(len(owners), np.int64), np.empty(len(owners), np.int64), np.empty(len(owners))
    bounds = np.zeros(len(now) + 1, np.int64)
    count = 0
    for entry in range(len(owners)):
        owner, day = owners[entry], np.floor(days[entry])
        if not entry or owner != owners[entry - 1] or day != floors[count - 1]:
            travellers[count], floors[count] = owner, day
            count += 1
            bounds[owner + 1] += 1
        trips[entry] = count - 1
    bounds = np.cumsum(bounds)
    ages = np.empty(count)
    for trip in range(count):
        owner = travellers[trip]
        ages[trip] = max(now[owner], floors[bounds[owner + 1] - 1]) - floors[trip]
    return trips, bounds, travellers[:count], floors[:count], ages


@compiled
def _visits(
    order: Places, cells: Places, trips: Places, weights: Floats
) -> tuple[Places, NDArray[np.bool_], Places, Places, Floats, Floats]:
    """Of entries in `order`: where each visit begins and whether it is its cell's first; of each cell where its visits
    begin and end, the cell itself, and the sum and the largest of its weights."""
    visits, firsts = np.empty(len(order), np.int64), np.empty(len(order), np.bool_)
    starts, distinct = np.empty(len(order) + 1, np.int64), np.empty(len(order), np.int64)
    sums, heaviest = np.empty(len(order)), np.empty(len(order))
    visit = cell = 0
    for place in range(len(order)):
        weight, first = weights[order[place]], not place or cells[place] != cells[place - 1]
        if first or trips[order[place]] != trips[order[place - 1]]:
            visits[visit], firsts[visit] = place, first
            visit += 1
        if first:
            starts[cell], distinct[cell], sums[cell], heaviest[cell] = visit - 1, cells[place], weight, weight
            cell += 1
        else:
            sums[cell - 1] += weight
            heaviest[cell - 1] = max(heaviest[cell - 1], weight)
    starts[cell] = visit
    return visits[:visit], firsts[:visit], starts[: cell + 1], distinct[:cell], sums[:cell], heaviest[:cell]


@compiled
def _context(
    bounds: Places,
    days: Floats,
    ages: Floats,
    starts: Places,
    visitors: Places,
    visit_trips: Places,
    firsts: NDArray[np.bool_],
) -> Floats:
    """(customers, len(CONTEXT))."""
    found = np.zeros((len(bounds) - 1, _CONTEXT))
    for visit in range(len(visitors)):
        owner = visitors[visit]
        found[owner, 2] += firsts[visit]
        found[owner, 8] += visit_trips[visit] == bounds[owner + 1] - 1
    for owner in range(len(found)):
        first, last = bounds[owner], bounds[owner + 1] - 1
        trips, entries = last + 1 - first, starts[owner + 1] - starts[owner]
        found[owner, 0] = trips
        found[owner, 1] = entries
        found[owner, 3] = ages[last]
        found[owner, 4] = (days[last] - days[first]) / max(trips - 1, 1)
        for trip in range(first, last + 1):
            found[owner, 5] += ages[trip] <= 28
        found[owner, 6] = entries / trips
        found[owner, 7] = found[owner, 2] / entries
    return found


@compiled
def _places(rising: Places, wanted: Places) -> Places:
    """Where each of `wanted` stands in `rising`, -1 where it does not."""
    found = np.empty(len(wanted), np.int64)
    for each in range(len(wanted)):
        place = np.searchsorted(rising, wanted[each])
        found[each] = place if place < len(rising) and rising[place] == wanted[each] else -1
    return found


@compiled
def _touched(
    cells: Places,
    bounds: Places,
    travellers: Places,
    days: Floats,
    ages: Floats,
    visit_trips: Places,
    starts: Places,
    weights: Floats,
    heaviest: Floats,
) -> Floats:
    """(len(OWN), cells + 1): what is shown of each of `cells`, by its place, and of those never touched."""
    fading = np.empty((len(days), 6))
    for trip in range(len(days)):
        back = bounds[travellers[trip] + 1] - 1 - trip
        for column in range(3):
            fading[trip, column] = np.exp2(-ages[trip] / _HALF_DAYS[column])
            fading[trip, 3 + column] = np.exp2(-back / _HALF_TRIPS[column])
    found = np.zeros((_OWN, len(cells) + 1))
    found[_SINCE:, len(cells)] = np.nan
    for place in range(len(cells)):
        cell = cells[place]
        visits = visit_trips[starts[cell] : starts[cell + 1]]
        times, first, last = len(visits), visits[0], visits[-1]
        begin, end = bounds[travellers[first]], bounds[travellers[first] + 1]
        found[0, place] = weights[cell]
        found[1, place] = heaviest[cell]
        found[2, place] = times
        found[3, place] = times / (end - begin)
        for trip in visits:
            for column in range(6):
                found[4 + column, place] += fading[trip, column]
        since, since_trips = ages[last], end - 1 - last
        interval = (days[last] - days[first]) / (times - 1) if times > 1 else np.nan
        interval_trips = (last - first) / (times - 1) if times > 1 else np.nan
        found[10, place] = since
        found[11, place] = since_trips
        found[12, place] = ages[first]
        found[13, place] = interval
        found[14, place] = interval_trips
        found[15, place] = since / interval
        found[16, place] = (since_trips + 1) / interval_trips
    return found
