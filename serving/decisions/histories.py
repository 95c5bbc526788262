"""What each person did and was told, folded from the log, and kept as long as the log has nothing new about them.

A decision needs carts that are right to the event, and whoever is asked about is asked about again: by the next step, a
preview, the check before sending. So the log is asked each time whether anything came behind the position that was read
up to, which its index answers, and only then are a person's events read and folded anew.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from features.cart_kinds import Kind
from features.carts import Cart, carts_of, grown_older, telling
from features.consent_words import last_words
from features.contact import CONSENT_EVENTS, CONTACT_EVENTS, Contact, contact_of
from features.latest import latest_of
from features.log import Log, Record, from_record, microseconds, moment
from features.person import Person

_MOST_CONTACTS = 1_000
_MOST_EVENTS = 500
_ORDER = "order_completed"
_KEPT = timedelta(hours=1)
"""Nothing is answered from what was read longer ago: what retention deletes from the log is not to live on here."""

_MOST_KEPT = 200_000
"""Touches, orders and lines of carts that are kept, of everybody together: some 60 MB."""


@dataclass(frozen=True)
class History:
    """What one person did, and was told, oldest first. `carts` are of one kind and as they were at the last event.

    `orders` are in microseconds since 1970, `device` is what the latest event that named one said.
    """

    carts: tuple[Cart, ...] = ()
    contact: Contact = field(default_factory=Contact)
    orders: tuple[int, ...] = ()
    device: str | None = None

    @property
    def size(self) -> int:
        """How much there is to keep."""
        return 1 + len(self.contact.touches) + len(self.orders) + sum(len(cart.lines) for cart in self.carts)


@dataclass(frozen=True)
class Wanted:
    """Whose history is wanted, and with which carts: of which kind, abandoned and given up after how long."""

    person: Person
    kind: Kind
    idle: timedelta
    ttl: timedelta


@dataclass(frozen=True)
class _Kept:
    """A history that is complete up to `position` of the log, and holds for any moment from `latest` on."""

    history: History
    position: int
    latest: int
    read_at: datetime


class _Signals(msgspec.Struct):
    """What of an event's body is asked for of events that are not decoded otherwise."""

    timezone: str | None = None
    device: str | None = None


_SIGNALS = msgspec.json.Decoder(_Signals)


class Histories:
    """Reads histories from `events`, and keeps those asked for last: `most` parts of them. Safe from any thread."""

    def __init__(self, events: Log, most: int = _MOST_KEPT) -> None:
        self.events = events
        self.most = most
        self._kept: OrderedDict[Wanted, _Kept] = OrderedDict()
        self._size = 0
        self._erasures = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Keep nobody's history: somebody was erased."""
        with self._lock:
            self._erasures += 1
            self._kept.clear()
            self._size = 0

    def of(self, wanted: Sequence[Wanted], until: Sequence[datetime]) -> list[History]:
        """The history of each until a moment of theirs, with the last cart as it is then: as if all was read anew."""
        with self._lock:
            erasures, kept = self._erasures, [self._known(*asked) for asked in zip(wanted, until, strict=True)]
        found: dict[int, History] = {}
        for kind in dict.fromkeys(one.kind for one in wanted):
            places = [place for place, one in enumerate(wanted) if one.kind == kind]
            found |= self._of_kind(
                kind, {place: (wanted[place], until[place], kept[place]) for place in places}, erasures
            )
        return [_grown(found[place], one, at) for place, (one, at) in enumerate(zip(wanted, until, strict=True))]

    def _of_kind(
        self, kind: Kind, asked: dict[int, tuple[Wanted, datetime, _Kept | None]], erasures: int
    ) -> Iterator[tuple[int, History]]:
        """By place. Whoever has too much for one read, or did something after the moment, is read apart."""
        types = (*kind.types, *CONTACT_EVENTS)
        upto = self.events.last_position()  # before anything is read: what comes later must be noticed next time
        people = [one.person for one, _, _ in asked.values()]
        after = [0 if kept is None else kept.position for _, _, kept in asked.values()]
        news = dict(zip(asked, latest_of(self.events, people, _MOST_EVENTS, types, after=after), strict=True))
        changed = [place for place, (_, _, kept) in asked.items() if kept is not None and news[place]]
        theirs = [asked[place][0].person for place in changed]
        news |= zip(changed, latest_of(self.events, theirs, _MOST_EVENTS, types), strict=True)
        for place, (one, at, kept) in asked.items():
            if kept is not None and not news[place]:
                yield place, kept.history
                continue
            records = news[place]
            if len(records) == _MOST_EVENTS:
                records = self._all_of(one, None)
            latest = max((record.occurred_at for record in records), default=0)
            if latest <= microseconds(at):
                history = _history(records, one)
                self._keep(one, _Kept(history, upto, latest, at), erasures)
            elif len(news[place]) == _MOST_EVENTS:
                history = _history(self._all_of(one, at), one)
            else:
                history = _history([record for record in records if record.occurred_at <= microseconds(at)], one)
            yield place, history

    def _all_of(self, one: Wanted, until: datetime | None) -> list[Record]:
        """The latest events, until a moment, that a cart is made of, and those about messages and consent."""
        people, moments = [one.person], None if until is None else [until]
        (behaviour,) = latest_of(self.events, people, _MOST_EVENTS, one.kind.types, moments)
        (told,) = latest_of(self.events, people, _MOST_CONTACTS, CONTACT_EVENTS, moments)
        if len(told) == _MOST_CONTACTS:  # a withdrawal holds for ever, however much was sent since
            (said,) = latest_of(self.events, people, _MOST_CONTACTS, CONSENT_EVENTS, moments)
            if len(said) == _MOST_CONTACTS:  # also where somebody repeated another word that often
                said += last_words(self.events, one.person, until)
            told = list({record.key: record for record in (*said, *told)}.values())
        return [*behaviour, *told]

    def _known(self, one: Wanted, at: datetime) -> _Kept | None:
        """What is kept, if it holds at this moment."""
        kept = self._kept.get(one)
        if kept is None or kept.latest > microseconds(at) or abs(at - kept.read_at) >= _KEPT:
            return None
        self._kept.move_to_end(one)
        return kept

    def _keep(self, one: Wanted, kept: _Kept, erasures: int) -> None:
        with self._lock:
            if erasures != self._erasures:  # it may have been read before
                return
            before = self._kept.pop(one, None)
            self._kept[one] = kept
            self._size += kept.history.size - (0 if before is None else before.history.size)
            while self._size > self.most:
                _, oldest = self._kept.popitem(last=False)
                self._size -= oldest.history.size


def _history(records: Sequence[Record], one: Wanted) -> History:
    """Folded from everything of one person that is there, in the order of the log."""
    latest = moment(max((record.occurred_at for record in records), default=0))
    types = one.kind.types
    behaviour = [record for record in records if record.type in types]
    told = [from_record(record) for record in records if record.type not in types]
    by_time = sorted(records, key=attrgetter("occurred_at", "key"))
    contact = contact_of(told, latest)
    return History(
        carts=tuple(carts_of(map(from_record, telling(behaviour, one.kind)), latest, one.idle, one.ttl, one.kind)),
        contact=replace(contact, timezone=_last_said(by_time, "timezone")),
        orders=tuple(sorted(record.occurred_at for record in behaviour if record.type == _ORDER)),
        device=_last_said(behaviour, "device"),
    )


def _last_said(records: Sequence[Record], name: str) -> str | None:
    """What the latest event that has this field says in it."""
    field_ = f'"{name}":'
    said = (getattr(_SIGNALS.decode(record.payload), name) for record in reversed(records) if field_ in record.payload)
    return next((value for value in said if value), None)


def _grown(history: History, one: Wanted, at: datetime) -> History:
    """With the only cart that may be open as it is at a later moment at which nothing else has happened."""
    if not history.carts or not history.carts[-1].open:
        return history
    last = grown_older(history.carts[-1], at, one.idle, one.ttl)
    return replace(history, carts=(*history.carts[:-1], last))
