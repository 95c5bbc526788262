"""A made shop of any size: a year of what its visitors did, week by week, with the skew that real shops have.

Customers join and the catalogue grows throughout the year. Few customers do most of what is done, few products make
most of what is sold (Zipf's law over categories and inside of each). Some buy a product again in a rhythm of its own.
Most of what happens is views; adds, orders, cancellations and refunds follow from them. Half of the visitors never have
an account, others are known on a device from the first time that they log in there. Some of it arrives late, and some
orders are told twice, by the browser and by the server.

A week is a function of the shop and its number, so that a shop that does not fit into memory is made week by week.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats

DAYS, WEEKS = 364, 52
START = 20_089 * 86_400_000_000
"""Microseconds since 1970: Wednesday 2025-01-01 in UTC."""

TYPES = (
    "product_viewed",
    "product_list_viewed",
    "products_searched",
    "product_added",
    "product_removed",
    "order_completed",
    "order_cancelled",
    "order_refunded",
)
VIEWED, LISTED, SEARCHED, ADDED, REMOVED, ORDERED, CANCELLED, REFUNDED = range(len(TYPES))
ANONYMOUS, LOGGED_IN, SERVER = range(3)
"""How an event names its person: by the device, by the account and the device, by the account alone."""

CATEGORIES = 200
DEVICES = 2
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EVENTS_A_CUSTOMER = 50
_EVENTS_A_SESSION = 6.45
"""As many as `_sessions` makes in the mean: how many sessions a number of events needs."""
_ORDERS = 10**9
"""Room for the numbers of a week's orders."""
_RHYTHMS = 0.08
"""Share of customers who buy something in a rhythm: one event in fifteen is of such an order."""

Longs = NDArray[np.int64]
Small = NDArray[np.int8]


@dataclass(frozen=True)
class Rows:
    """One entry a line of an event, or an event without lines, whose `product` is -1; `order` is -1 without one.

    Rows of one `event` have all but `product`, `line` and `quantity` in common. Times are microseconds since 1970.
    """

    event: Longs
    line: Codes
    type: Small
    customer: Codes
    device: Small
    named: Small
    occurred: Longs
    received: Longs
    product: Codes
    quantity: Small
    order: Longs

    def __len__(self) -> int:
        return len(self.event)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Rows":
        """The rows at `places`, or where a mask is true."""
        return Rows(**{each.name: getattr(self, each.name)[places] for each in fields(self)})

    @staticmethod
    def concat(parts: "list[Rows]") -> "Rows":
        """All of them, one after another; events of different parts must not share a number."""
        return Rows(
            **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Rows)}
        )


@dataclass(frozen=True)
class Shop:
    """About `events` events in a year. Customers are as many as a fiftieth of it, products grow with its root."""

    events: int
    seed: int = 0

    @property
    def customers(self) -> int:
        """Who ever came, in the order in which they joined."""
        return max(self.events // _EVENTS_A_CUSTOMER, 10)

    @property
    def products(self) -> int:
        """A million events are told of 20,000 products, a hundred million of 200,000."""
        return CATEGORIES * self._depth

    @property
    def _depth(self) -> int:
        return max(int(20 * self.events**0.5) // CATEGORIES, 2)

    @cached_property
    def _activity(self) -> Floats:
        """Running sum of how much each customer does: lognormal, so that a tenth of them does half of it."""
        return np.cumsum(self._rng(WEEKS).lognormal(0, 1.2, self.customers))

    @cached_property
    def has_account(self) -> NDArray[np.bool_]:
        """(customers,): whether they ever log in."""
        found: NDArray[np.bool_] = self._rng(WEEKS + 1).random(self.customers) < 0.5
        return found

    @cached_property
    def _liked(self) -> NDArray[np.int16]:
        """(customers, 3): categories, of which some are liked by many."""
        drawn = CATEGORIES ** self._rng(WEEKS + 2).random((self.customers, 3))
        return drawn.astype(np.int16) - 1

    @cached_property
    def _by_rank(self) -> Codes:
        """(CATEGORIES, depth): the place in its category of the product that sells so-and-so well."""
        rng = self._rng(WEEKS + 3)
        return np.stack([rng.permutation(self._depth) for _ in range(CATEGORIES)]).astype(np.int32)

    @cached_property
    def prices(self) -> NDArray[np.int32]:
        """(products,): in cents."""
        return np.maximum(100 * self._rng(WEEKS + 4).lognormal(2.5, 1, self.products), 1).astype(np.int32)

    @cached_property
    def _rhythm(self) -> tuple[Codes, Codes, Floats, Floats]:
        """Who buys what again, every how many days, and how far the first time is away."""
        rng = self._rng(WEEKS + 5)
        who = np.repeat(np.flatnonzero(rng.random(self.customers) < _RHYTHMS).astype(np.int32), 2)
        period = np.clip(rng.lognormal(np.log(35), 0.5, len(who)), 7, 120)
        return who, self._choice(rng, who, 1.0), period, period * rng.random(len(who))

    def week(self, number: int) -> Rows:
        """What happened because of visits in that week; some of it happened, and more of it was received, later."""
        rng = self._rng(number)
        here = self._joined(number)
        share = self._activity[here - 1] / sum(self._activity[self._joined(week) - 1] for week in range(WEEKS))
        rhythmic = 3.2 * 2 * _RHYTHMS * self.customers * DAYS / 40
        sessions = int(share * max(self.events - rhythmic, 0) / _EVENTS_A_SESSION)
        parts = [
            _with_orders(self._sessions(rng, number, here, sessions), number * _ORDERS),
            _with_orders(self._orders_again(rng, number, here), number * _ORDERS + _ORDERS // 2),
        ]
        parts = _numbered(parts, number << 40)
        parts.append(self._taken_back(rng, Rows.concat(parts), (number << 40) + (1 << 39)))
        rows = Rows.concat(parts)
        return rows.take(rows.occurred < START + DAYS * _DAY)

    def _joined(self, week: int) -> int:
        """Six in ten were there when the year began."""
        return max(int(self.customers * (0.6 + 0.4 * (week + 1) / WEEKS)), 1)

    def _choice(self, rng: np.random.Generator, who: Codes, launched: float) -> Codes:
        """What each of `who` wants. What is not launched yet leaves its place to something that is."""
        category = self._liked[who, rng.integers(3, size=len(who))].astype(np.int64)
        anything = rng.random(len(who)) < 0.2
        category[anything] = (CATEGORIES ** rng.random(int(anything.sum()))).astype(np.int64) - 1
        rank = (self._depth ** rng.random(len(who))).astype(np.int64) - 1
        place = self._by_rank[category, rank] % max(int(launched * self._depth), 1)
        return (category * self._depth + place).astype(np.int32)

    def _sessions(self, rng: np.random.Generator, week: int, here: int, count: int) -> Rows:
        who = np.searchsorted(self._activity[:here], rng.random(count) * self._activity[here - 1]).astype(np.int32)
        named = np.where(self.has_account[who] & (rng.random(count) < 0.5), LOGGED_IN, ANONYMOUS).astype(np.int8)
        device = (rng.random(count) < 0.25).astype(np.int8)
        begin = START + week * 7 * _DAY + _moments(rng, count)
        session = np.repeat(np.arange(count), rng.geometric(0.2, count))
        pause = np.cumsum(rng.integers(5, 60, len(session)) * _SECOND)
        first = np.flatnonzero(np.diff(session, prepend=-1))
        clock = begin[session] + pause - pause[first][session]
        wanted = self._choice(rng, who[session], 0.7 + 0.3 * week / WEEKS)
        added = np.flatnonzero(rng.random(len(session)) < 0.12)
        gone = added[rng.random(len(added)) < 0.15]
        kept = np.setdiff1d(added, gone, assume_unique=True)
        bought = kept[(rng.random(count) < 0.35)[session[kept]]]
        listed = np.flatnonzero(rng.random(count) < 0.35)
        searched = np.flatnonzero(rng.random(count) < 0.25)
        end = np.zeros(count, np.int64)
        np.maximum.at(end, session, clock)
        orders, line = _lines(session[bought])
        twice = np.flatnonzero((rng.random(count) < 0.1)[session[bought]] & (named[session[bought]] == LOGGED_IN))
        rows = [
            _rows(VIEWED, session, clock, wanted),
            _rows(LISTED, listed, begin[listed], None),
            _rows(SEARCHED, searched, begin[searched] - _SECOND, None),
            _rows(ADDED, session[added], clock[added] + 3 * _SECOND, wanted[added]),
            _rows(REMOVED, session[gone], clock[gone] + 9 * _SECOND, wanted[gone]),
            _rows(ORDERED, session[bought], end[session[bought]] + 60 * _SECOND, wanted[bought], orders, line),
            _rows(
                ORDERED, session[bought][twice], end[session[bought][twice]] + 62 * _SECOND, wanted[bought][twice],
                orders[twice], line[twice],
            ),
        ]  # fmt: skip
        rows[-1] = _by(rows[-1], who, device, np.full_like(named, SERVER))
        rows[:-1] = [_by(each, who, device, named) for each in rows[:-1]]
        whole = Rows.concat(_numbered(rows, 0))
        quantity = np.where(whole.type == ORDERED, 1 + (whole.product % 7 == 0), 1)
        return _received(rng, Rows(**{**vars(whole), "quantity": quantity.astype(np.int8)}))

    def _orders_again(self, rng: np.random.Generator, week: int, here: int) -> Rows:
        """Of what is used up: looked at, added, and ordered, alone or with something else."""
        who, what, period, first = self._rhythm
        days = np.arange(week * 7, week * 7 + 7)[:, None]
        due = np.floor((days + first) / period) != np.floor((days - 1 + first) / period)
        day, rhythm = np.nonzero(due & (rng.random(due.shape) < 0.85) & (who < here))
        count, customer = len(rhythm), who[rhythm]
        moment = START + (week * 7 + day + rng.integers(-1, 2, count)) * _DAY + _moments(rng, count) % _DAY
        moment = np.maximum(moment, START)
        more = np.flatnonzero(rng.random(count) < 0.4)
        session = np.concatenate([np.arange(count), more])
        line = np.repeat(np.array([0, 1], np.int32), [count, len(more)])
        wanted = np.concatenate([what[rhythm], self._choice(rng, customer[more], 0.7)])
        rows = [
            _rows(VIEWED, session, moment[session], wanted),
            _rows(ADDED, session, moment[session] + 5 * _SECOND, wanted),
            _rows(ORDERED, session, moment[session] + 90 * _SECOND, wanted, session.astype(np.int64), line),
        ]
        named = np.where(self.has_account[customer], LOGGED_IN, ANONYMOUS).astype(np.int8)
        named[rng.random(count) < 0.1] = ANONYMOUS
        device = np.zeros(count, np.int8)
        whole = Rows.concat(_numbered([_by(each, customer, device, named) for each in rows], 0))
        return _received(rng, whole)

    def _taken_back(self, rng: np.random.Generator, rows: Rows, first: int) -> Rows:
        """One order in sixty is cancelled a day later, and one in sixty has its first line refunded after three."""
        orders = rows.take(np.flatnonzero((rows.type == ORDERED) & (rows.line == 0) & (rows.named != SERVER)))
        drawn = rng.random(len(orders))
        parts = []
        for type_, share, days in ((CANCELLED, drawn < 1 / 60, 1), (REFUNDED, drawn > 59 / 60, 3)):
            kept = orders.take(share)
            moment = kept.occurred + days * _DAY
            changed = {
                "event": np.arange(len(kept)),
                "type": np.full(len(kept), type_, np.int8),
                "occurred": moment,
                "received": moment + _SECOND,
                "product": kept.product if type_ == REFUNDED else np.full(len(kept), -1, np.int32),
            }
            parts.append(Rows(**{**vars(kept), **changed}))
        return Rows.concat(_numbered(parts, first))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.events, stream])


def _moments(rng: np.random.Generator, count: int) -> Longs:
    """Microseconds into a week: more on some days, most in the evening."""
    day = rng.choice(7, count, p=np.array([13, 13, 14, 14, 15, 17, 14]) / 100)
    hour = np.clip(rng.normal(17, 4.5, count), 0, 23.9)
    found: Longs = ((day * 24 + hour) * 3_600 * _SECOND).astype(np.int64)
    return found


def _lines(sessions: Longs) -> tuple[Longs, Codes]:
    """The order of each line, one order a session, and its place there; `sessions` is sorted."""
    fresh = np.diff(sessions, prepend=-1) != 0
    starts = np.flatnonzero(fresh)
    order = np.cumsum(fresh) - 1
    return order.astype(np.int64), (np.arange(len(sessions)) - starts[order]).astype(np.int32)


def _rows(
    type_: int,
    session: Longs,
    occurred: Longs,
    product: Codes | None,
    order: Longs | None = None,
    line: Codes | None = None,
) -> Rows:
    """Rows of one type. An order is one event, anything else has an event a row; `customer` holds the session yet."""
    count = len(session)
    small = np.zeros(count, np.int8)
    return Rows(
        event=np.arange(count) if order is None else order,
        line=np.zeros(count, np.int32) if line is None else line,
        type=np.full(count, type_, np.int8),
        customer=session.astype(np.int32),
        device=small,
        named=small,
        occurred=occurred,
        received=occurred,
        product=np.full(count, -1, np.int32) if product is None else product,
        quantity=small + 1,
        order=np.full(count, -1) if order is None else order,
    )  # fmt: skip


def _by(rows: Rows, who: Codes, device: Small, named: Small) -> Rows:
    session = rows.customer
    return Rows(**{**vars(rows), "customer": who[session], "device": device[session], "named": named[session]})


def _numbered(parts: list[Rows], first: int) -> list[Rows]:
    """The parts with events numbered from `first` on throughout, with gaps."""
    found = []
    for rows in parts:
        found.append(Rows(**{**vars(rows), "event": rows.event + first}))
        first += int(rows.event.max(initial=-1)) + 1
    return found


def _received(rng: np.random.Generator, rows: Rows) -> Rows:
    """A fifth of a second after it happened; one event in a hundred hours or days later, as of a phone abroad."""
    events, of_event = np.unique(rows.event, return_inverse=True)
    late = np.where(rng.random(len(events)) < 0.01, rng.lognormal(9.5, 1.2, len(events)), 0.0)
    delay = (200_000 + np.minimum(late, 3 * 86_400) * _SECOND).astype(np.int64)
    return Rows(**{**vars(rows), "received": rows.occurred + delay[of_event]})


def _with_orders(rows: Rows, first: int) -> Rows:
    return Rows(**{**vars(rows), "order": np.where(rows.order < 0, -1, rows.order + first)})
