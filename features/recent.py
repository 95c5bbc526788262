"""What an id did since the last build: the end of the log, kept beside the row of features, so that little is read.

A visitor is answered from a row of features and the events that it does not know, the tail. A recent row holds the
tail of one id as it stood at one position of the log, events and not sums: so a refund, an order reported twice or an
id that changes its owner count as they would from the log itself, and the answer is the same with the row or without.
Rows belong to ids and not to persons, as who is who is known when somebody asks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Select, Table, func, select

from features.ahead import FIELDS, Ahead, newest
from features.among import each_of, ids_given
from features.events import INTERACTION_WEIGHTS, Event
from features.log import Log, Record, from_record, microseconds
from features.person import Person, default_customer
from features.purchases import ORDER_EVENTS

TAIL_EVENTS = tuple(sorted({*INTERACTION_WEIGHTS, *ORDER_EVENTS}))
"""The events that a history of interactions is made of."""

Id = tuple[str | None, str | None]
"""A user id, or none and an anonymous one."""

_values = attrgetter(*FIELDS)
_Stored = tuple[str, str, int, int, str | None, str | None, str, int]


@dataclass(frozen=True)
class Base:
    """What a table of features knows: the log up to `position`, of it what occurred before `since` (microseconds).

    >>> Base(100, 50).knows(Base(70, 50)), Base(100, 50).knows(Base(100, None))
    (True, False)
    """

    position: int = 0
    since: int | None = None

    def knows(self, other: "Base") -> bool:
        """Whether everything that `other` knows is known here too."""
        if other.position == 0:
            return True
        later = self.since is None or (other.since is not None and other.since <= self.since)
        return other.position <= self.position and later


@dataclass(frozen=True)
class Recent:
    """The latest events of one id that `base` does not know, as the log stood at `position`; oldest first."""

    position: int
    base: Base
    records: Sequence[Record]

    def serves(self, base: Base, limit: int) -> bool:
        """Whether none is missing here of the latest `limit` events that `base` does not know, as the log stood then.

        A row of before the base is of no use. One that is full may have dropped an event dated ahead of the base for
        later ones that the base knows.
        """
        if self.position < base.position:
            return False
        whole = len(self.records) < limit or self.base == base or self.records[0].position > base.position
        return whole and base.knows(self.base)

    def to_json(self) -> str:
        """The events as text, as Feast has no lists of records."""
        return msgspec.json.encode([_values(one) for one in self.records]).decode()


def from_json(position: int, base: Base, text: str) -> Recent:
    """The inverse of `Recent.to_json`."""
    return Recent(position, base, [Record(*row) for row in msgspec.json.decode(text, type=list[_Stored])])


def tail(
    log: Log, person: Person, after: int, since: datetime | None, recents: Mapping[str, Recent], limit: int
) -> list[Event]:
    """The latest `limit` events that a row as of `since`, which has read the log up to `after`, does not know.

    Of ids in `recents` only what came since is read from the log. A recent row that was made for a newer row of
    features than the given one lacks something, and is passed over. So is an event that cannot be read: the projector
    names it.
    """
    base = Base(after, None if since is None else microseconds(since))
    ids = [*person.user_ids, *(default_customer(None, id_) for id_ in person.anonymous_ids)]
    usable = {id_: recents[id_] for id_ in ids if id_ in recents and recents[id_].serves(base, limit)}
    found = {one.position: one for recent in usable.values() for one in recent.records if _unknown(one, base)}
    if usable:
        oldest = min(recent.position for recent in usable.values())
        found |= _read(log, _of(person, usable, known=True), oldest, None, limit)
    if len(usable) < len(ids):
        found |= _read(log, _of(person, usable, known=False), after, since, limit)
    return readable([found[position] for position in sorted(found)][-limit:])


def readable(records: Iterable[Record]) -> list[Event]:
    """The events of those records that can be read; others were written by something else than Kairos."""
    return [event for event in map(_event, records) if event is not None]


def unreadable(record: Record) -> bool:
    """Whether no event can be made of it."""
    return _event(record) is None


def recents_of(
    log: Log, ids: Collection[Id], base: Base, upto: int, limit: int, ahead: Ahead | None = None
) -> dict[str, Recent]:
    """What the log holds of each id up to position `upto` that `base` does not know; at most the latest `limit`.

    An id of which nothing stands before the base is known from its beginning, so that its row serves whoever has no
    features yet. Who asks often brings an `ahead`, which remembers what was asked before.
    """
    users = [user for user, _ in ids if user is not None]
    visitors = [visitor for user, visitor in ids if user is None and visitor is not None]
    found: dict[str, list[Record]] = {default_customer(*id_): [] for id_ in ids}
    first: dict[str, int] = {}
    dialect, known = log.engine.dialect.name, ahead or Ahead()
    bounds = {"after": base.position, "most": limit}
    with log.engine.connect() as connection:
        for name, wanted in (("user_id", users), ("anonymous_id", visitors)):
            if wanted:
                each = ids_given(dialect, wanted)
                query = newest(log.table, dialect, name, TAIL_EVENTS)
                for record in _records(connection.execute(query, each | bounds | {"upto": upto})):
                    found[default_customer(record.user_id, record.anonymous_id)].append(record)
                if base.since is not None:
                    few = [id_ for id_ in wanted if len(found[_customer(name, id_)]) < limit]
                    rows = known.rows(connection, log.table, name, few, TAIL_EVENTS, **bounds, since=base.since)
                    for record in reversed(_records(row for row in rows if row.position <= upto)):
                        found[default_customer(record.user_id, record.anonymous_id)].insert(0, record)
                for id_, position in connection.execute(_beginnings(log.table, dialect, name), each):
                    first[_customer(name, id_)] = position or 0
    return {
        id_: Recent(upto, Base() if first.get(id_, 0) > base.position else base, records[-limit:])
        for id_, records in found.items()
    }


@cache
def _beginnings(table: Table, dialect: str, name: str) -> Select[Any]:
    """The first position of each id, one look into the index each; null where there is none."""
    each = each_of(dialect)
    first = select(func.min(table.c.position)).where(table.c[name] == each.c.value).correlate(each)
    return select(each.c.value, first.scalar_subquery())


def _customer(name: str, id_: str) -> str:
    return default_customer(*((id_, None) if name == "user_id" else (None, id_)))


def _records(rows: Iterable[Any]) -> list[Record]:
    return [Record(*row) for row in rows]


def _unknown(record: Record, base: Base) -> bool:
    return record.position > base.position or (base.since is not None and record.occurred_at >= base.since)


def _of(person: Person, usable: Collection[str], known: bool) -> Person:
    """The ids of a person that are among the usable, or that are not; what they did is asked of the whole person."""
    users = tuple(id_ for id_ in person.user_ids if (id_ in usable) == known)
    visitors = tuple(id_ for id_ in person.anonymous_ids if (default_customer(None, id_) in usable) == known)
    return Person(person.customer_id, users, visitors)


def _read(log: Log, person: Person, after: int, since: datetime | None, limit: int) -> dict[int, Record]:
    """The latest records of these ids; of a shared device, the others' are passed over and count for nothing."""
    asked = limit
    while True:
        records = log.of_person(person.user_ids, person.anonymous_ids, after, asked, since, TAIL_EVENTS)
        theirs = [record for record in records if person.did(record.user_id)]
        if len(records) < asked or len(theirs) >= limit:
            return {record.position: record for record in theirs[-limit:]}
        asked *= 4


def _event(record: Record) -> Event | None:
    try:
        return from_record(record)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None
