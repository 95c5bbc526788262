"""Who is due in a window of days: from the table of everybody, and anew for whoever did something since it was made.

Customers come in the order of their ids, and a cursor holds the last one, so that pages hold everybody once whatever
happens in between. A page costs no more than its budget: then it is short, and the next one goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge, nsmallest
from itertools import islice
from operator import itemgetter

import numpy as np

from features.person import Person, person_of
from features.purchases import last_day
from features.restock_table import RestockTable, at_days
from models.arrays import Floats, Ids, Mask
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from serving.bundle import Shelf
from serving.restock.choice import Choice, chosen, shopping_in
from serving.restock.soonest import BLOCK, blocks, chances
from serving.restock.taught import Taught
from serving.restock.touched import ScoredCustomers

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
class Budget:
    """The most that one page does: customers forecast `anew`, at some 10 CPU-ms each, and `rows` of the table looked
    at, at some 15 a CPU-microsecond."""

    anew: int = 100
    rows: int = 2_000_000

    def __post_init__(self) -> None:
        if min(self.anew, self.rows) < 1:
            raise ValueError(f"anew={self.anew}, rows={self.rows}; a page that may do nothing never gets on")


@dataclass(frozen=True)
class Due:
    """A customer who is due: the likeliest need's probability and its median day within the window.

    `need` is the group of that need and the day on which it was last bought: the same until it is bought again, however
    the forecast moves meanwhile.
    """

    person: Person
    probability: float
    day: int
    forecasts: Forecasts
    taught: Taught
    need: tuple[str, int]


@dataclass(frozen=True)
class Page:
    """`last_id` is the customer that the next page goes on behind; None when everybody was looked at."""

    customers: tuple[Due, ...]
    last_id: str | None

    def first(self, count: int) -> "Page":
        """Only so many of its customers, one at least: the next page begins with those behind them."""
        kept = self.customers[:count]
        return Page(kept, kept[-1].person.customer_id)


def due_page(scored: ScoredCustomers, question: Question, anew: Anew, budget: Budget = Budget()) -> Page:
    """The next customers who are due; `anew` forecasts whoever the table is no longer true of."""
    touched, stale = scored.catch_up()
    known, reached = _candidates(scored, question, stale, budget.rows)
    ahead = (id_ for id_ in touched if id_ > question.after and (reached is None or id_ <= reached))
    # one more than a page can forecast, so that the budget ends a page and never the list
    waiting = nsmallest(budget.anew + 1, ahead)
    found: list[Due] = []
    forecast = 0
    looked_at = question.after
    for id_, is_new in merge(((id_, True) for id_ in waiting), _with_feedback(scored, known), key=itemgetter(0)):
        if len(found) == question.limit or (is_new and forecast == budget.anew):
            return Page(tuple(found), looked_at)
        looked_at = id_
        if is_new:
            person = scored.known(id_)
            due = _due(person, question, *anew(person))
            forecast += 1
        else:
            due = _due(person_of(id_), question, of_table(scored.table, id_, question.today), Taught())
        if due is not None:
            found.append(due)
    return Page(tuple(found), reached)


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


def _candidates(
    scored: ScoredCustomers, question: Question, stale: Mask, most: int
) -> tuple[Sequence[str], str | None]:
    """The next customers whose rows hold and say that they are due, in order, enough for a page.

    And until whom was looked, which is after about `most` rows at the latest; None when nobody is left.
    """
    table, passed = scored.table, question.today - last_day(scored.table.as_of)
    until = question.last - question.today + passed
    places = np.flatnonzero(scored.soonest.may_be_due(until, question.least) & ~stale)
    places = places[np.searchsorted(table.customer_ids[places], question.after, side="right") :]
    found: list[str] = []
    spent = 0
    for members, rows in blocks(table, places, min(most, BLOCK)):
        if len(found) >= question.limit or spent >= most:
            return found, str(table.customer_ids[members[0] - 1])
        likely = chances(table.columns["curve"][rows], passed, question.first - question.today + passed, until)
        counts = (likely > 0) & (likely >= question.least)
        if question.units is not None:
            counts[counts] = _among(table.columns["unit_id"][rows[counts]], question.units)
        due = np.unique(np.repeat(members, np.diff(table.starts)[members])[counts])
        found += table.customer_ids[due].tolist()
        spent += len(rows)
    return found, None


def _with_feedback(scored: ScoredCustomers, known: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Customers of the table, and whether they are to be forecast anew because they gave feedback."""
    rest = iter(known)
    while chunk := list(islice(rest, _LOOK_AHEAD)):
        told = scored.gave_feedback(chunk)
        yield from ((id_, id_ in told) for id_ in chunk)


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
    need = str(forecasts.unit_ids[row]), question.today - round(float(forecasts.evidence["elapsed"][row]))
    return Due(person, float(likely[row]), question.first - 1 + int(passed.argmax()), forecasts, taught, need)


def _among(ids: Ids, wanted: frozenset[str]) -> Mask:
    return np.fromiter(map(wanted.__contains__, ids), bool, len(ids))
