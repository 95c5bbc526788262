"""Who is due in a window of days: from the table of everybody, and anew for whoever did something since it was made.

Customers come in the order of their ids, and a cursor holds the last one, so that pages hold everybody once whatever
happens in between.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

import numpy as np

from features.identity import Person
from features.purchases import last_day
from features.restock_table import RestockTable, at_days
from models.arrays import Floats, Ids, Mask
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from serving.bundle import Shelf
from serving.restock.choice import Choice, chosen, shopping_in
from serving.restock.taught import Taught
from serving.restock.touched import ScoredCustomers

MOST_ANEW = 500
"""How many customers one page forecasts anew; with more the page is short, and the next one goes on."""

_LOOK_AHEAD = 200

Anew = Callable[[Person], tuple[Forecasts, Taught]]


@dataclass(frozen=True)
class Question:
    """Whose need comes within the days `first` to `last` (since 1970, inclusive) with probability `least` or more?

    `today` is the last day of which anything is known. With `units`, only needs for these groups count.
    """

    first: int
    last: int
    today: int
    least: float
    units: frozenset[str] | None
    after: str
    limit: int


@dataclass(frozen=True)
class Due:
    """A customer who is due: the likeliest need's probability and its median day within the window."""

    person: Person
    probability: float
    day: int
    forecasts: Forecasts
    taught: Taught


@dataclass(frozen=True)
class Page:
    """`last_id` is the customer that the next page goes on behind; None when everybody was looked at."""

    customers: tuple[Due, ...]
    last_id: str | None


def due_page(scored: ScoredCustomers, question: Question, anew: Anew) -> Page:
    """The next customers who are due; `anew` forecasts whoever the table is no longer true of."""
    people, stale = scored.catch_up()
    kept = sorted((id_, person) for id_, person in people.items() if id_ > question.after)
    known = ((id_, None) for id_ in _candidates(scored.table, question, stale))
    found: list[Due] = []
    forecast = 0
    looked_at = question.after
    for id_, person in _ordered(scored, kept, known):
        if len(found) == question.limit or forecast == MOST_ANEW:
            return Page(tuple(found), looked_at)
        if person is None:
            due = _due(scored.person(id_), question, of_table(scored.table, id_, question.today), Taught())
        else:
            due = _due(person, question, *anew(person))
            forecast += 1
        looked_at = id_
        if due is not None:
            found.append(due)
    return Page(tuple(found), None)


def cart_for(due: Due, groups: Groups, shelf: Shelf, max_items: int, anew: Anew) -> Choice:
    """What is prepared for somebody who is due, for the day on which they are.

    The table names one product a group; whoever misses one that is sold out is forecast anew, which names others.
    """
    wait = due.day - due.forecasts.day
    choice = chosen(shopping_in(due.forecasts, wait), groups, shelf, due.taught, max_items)
    if not choice.sold_out or len(due.forecasts.alternatives):
        return choice
    forecasts, lessons = anew(due.person)
    return chosen(shopping_in(forecasts, wait), groups, shelf, lessons, max_items)


def of_table(table: RestockTable, customer_id: str, today: int) -> Forecasts:
    """The rows of one customer as forecasts at the end of `today`, given that nothing was bought since the table."""
    place = int(np.searchsorted(table.customer_ids, customer_id))
    rows = slice(int(table.starts[place]), int(table.starts[place + 1]))
    own = {name: column[rows] for name, column in table.columns.items()}
    passed = today - last_day(table.as_of)
    ahead = np.arange(passed, passed + HORIZON + 1)
    count = len(own["unit_id"])
    return Forecasts(
        today,
        np.zeros(count, np.int32),
        own["unit_id"],
        own["product_id"],
        own["packs"].astype(np.float64),
        _given(at_days(own["curve"], ahead)),
        own["status"],
        own["confidence"],
        np.full(count, "", object),
        {
            "purchases": own["purchases"].astype(np.float64),
            "elapsed": own["elapsed"].astype(np.float64) + passed,
            "mean_interval": own["mean_interval"].astype(np.float64),
        },
        _given(at_days(own["next_order"][:1], ahead)),
    )


def _given(curves: Floats) -> Floats:
    """Curves of those who have waited until the first day of each."""
    start = curves[:, :1]
    return np.divide(curves, start, out=np.ones_like(curves), where=start > 0)


def _candidates(table: RestockTable, question: Question, stale: Mask) -> Iterator[str]:
    """The customers whose rows hold and say that they are due, in order, behind the cursor."""
    if not len(table):
        return
    passed = question.today - last_day(table.as_of)
    days = np.array([passed, question.first - 1 - question.today + passed, question.last - question.today + passed])
    alive, before, after = at_days(table.columns["curve"], days).T
    likely = np.divide(before - after, alive, out=np.zeros(len(table)), where=alive > 0)
    if question.units is not None:
        likely[~_among(table.columns["unit_id"], question.units)] = 0.0
    best = np.maximum.reduceat(likely, table.starts[:-1])
    places = np.flatnonzero((best > 0) & (best >= question.least) & ~stale)
    yield from table.customer_ids[places[table.customer_ids[places] > question.after]]


def _ordered(
    scored: ScoredCustomers, kept: list[tuple[str, Person]], known: Iterator[tuple[str, None]]
) -> Iterator[tuple[str, Person | None]]:
    """Both kinds of customers in the order of their ids. Of the table's, those who gave feedback are forecast anew."""
    people: Iterator[tuple[str, Person | None]] = iter(kept)
    yield from merge(people, _without_feedback(scored, known), key=lambda one: one[0])


def _without_feedback(
    scored: ScoredCustomers, known: Iterator[tuple[str, None]]
) -> Iterator[tuple[str, Person | None]]:
    while chunk := [id_ for id_, _ in islice(known, _LOOK_AHEAD)]:
        told = scored.gave_feedback(chunk)
        yield from ((id_, told.get(id_)) for id_ in chunk)


def _due(person: Person, question: Question, forecasts: Forecasts, taught: Taught) -> Due | None:
    """Whether somebody is due, and when."""
    counts = forecasts.known & ~_among(forecasts.unit_ids, taught.rejected)
    if question.units is not None:
        counts &= _among(forecasts.unit_ids, question.units)
    window = forecasts.curves[:, question.first - 1 - question.today : question.last - question.today + 1]
    likely = np.where(counts, window[:, 0] - window[:, -1], 0.0)
    if not len(likely) or not likely.max() > 0 or likely.max() < question.least:
        return None
    row = int(likely.argmax())
    passed = window[row, 0] - window[row] >= likely[row] / 2
    return Due(person, float(likely[row]), question.first - 1 + int(passed.argmax()), forecasts, taught)


def _among(ids: Ids, wanted: frozenset[str]) -> Mask:
    return np.fromiter(map(wanted.__contains__, ids), bool, len(ids))
