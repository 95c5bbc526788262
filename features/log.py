"""The append-only logs: what happened (events) and what Kairos answered (decisions). One shape, one class, two tables.

A log is the truth; everything else is a projection that reads it in order of `position` and keeps its own offset.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Engine, Index, Integer, Table, Text, select, true

from features.among import given, told_apart
from features.database import metadata, writing_by_driver
from features.events import Body, Event
from features.log_statements import WRITTEN, Insert, of_person
from features.selecting import Select, by_engine
from features.succession import overtaken

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_APPEND_LOCK = 7_061_776_673
_POSITION = BigInteger().with_variant(Integer, "sqlite")


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly: what the logs store, as SQLite has no times with an offset.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds_: int) -> datetime:
    """The UTC time of a stored number of microseconds; the inverse of `microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds_)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a log. Times are microseconds since 1970 UTC, `payload` is JSON, `key` counts once for ever."""

    key: str
    type: str
    occurred_at: int
    received_at: int
    user_id: str | None
    anonymous_id: str | None
    payload: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Successor(Record):
    """A record made by somebody who knew the log up to position `seen`, and of what is behind that the keys `known`.

    It is about the person of these `ids`: (user ids, anonymous ids). See `succession.py`.
    """

    seen: int = 0
    known: frozenset[str] = frozenset()
    ids: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


_row = attrgetter(*WRITTEN)


def _table(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("position", _POSITION, primary_key=True, autoincrement=True),
        Column("key", Text, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("occurred_at", BigInteger, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("user_id", Text),
        Column("anonymous_id", Text),
        Column("payload", Text, nullable=False),
        # with the time, so that `of_person` finds in the index alone that nothing is new, whatever the history
        Index(f"{name}_of_user", "user_id", "position", "occurred_at"),
        Index(f"{name}_of_anonymous", "anonymous_id", "position", "occurred_at"),
        sqlite_autoincrement=True,
    )


def to_record(event: Event) -> Record:
    """The row of an event; who, what kind and when are columns, the rest is the payload."""
    return Record(
        key=event.message_id,
        type=event.type,
        occurred_at=microseconds(event.occurred_at),
        received_at=microseconds(event.received_at),
        user_id=event.user_id,
        anonymous_id=event.anonymous_id,
        payload=msgspec.json.encode(event.body).decode(),
    )


def from_record(record: Record) -> Event:
    """The event of a row; the inverse of `to_record`, with both times in UTC.

    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> event = Event(message_id="m1", type="product_viewed", occurred_at=now, received_at=now, user_id="u1")
    >>> from_record(to_record(event)) == event
    True
    """
    return Event(
        message_id=record.key,
        type=record.type,
        occurred_at=moment(record.occurred_at),
        received_at=moment(record.received_at),
        user_id=record.user_id,
        anonymous_id=record.anonymous_id,
        body=msgspec.json.decode(record.payload, type=Body),
    )


EVENTS = _table("event")
DECISIONS = _table("decision")


class Log:
    """An append-only table of records on `engine`.

    Positions rise in the order of commits, so a reader that remembers its last position misses nothing: SQLite has one
    writer at a time, and on PostgreSQL appends take an advisory lock.
    """

    def __init__(self, engine: Engine, table: Table, read_by: Select | None = None) -> None:
        self.engine = engine
        self.read_by = read_by or by_engine(engine)
        self.table = table
        self._insert = Insert(engine, table)
        self._newest = f'SELECT max("position") FROM "{table.name}"'
        self._mark = "?" if engine.dialect.positional else "%s"
        self._behind = f'SELECT "key" FROM "{table.name}" WHERE "position" > {self._mark}'

    def append(self, records: Sequence[Record]) -> list[bool]:
        """Commit `records` to disk; True for each that was new, False where its key is already there, and for a
        `Successor` that somebody else's record has overtaken.

        When this returns, the records survive a crash of the process and of the machine.
        """
        if not records:
            return []
        distinct: dict[str, Record] = {}
        for record in records:
            distinct.setdefault(record.key, record)
        successors = [record for record in distinct.values() if isinstance(record, Successor)]
        with writing_by_driver(self.engine, _APPEND_LOCK) as cursor:
            for refused in overtaken(cursor, self.table.name, self._mark, successors):
                del distinct[refused]
            if not distinct:
                return [False] * len(records)
            (last,) = cursor.execute(self._newest).fetchone()
            if self._insert.run(cursor, list(map(_row, distinct.values()))) == len(distinct):
                new = set(distinct)
            else:
                cursor.execute(self._behind, (last or 0,))
                new = {key for (key,) in cursor}
        verdicts = []
        for record in records:
            verdicts.append(record.key in new)
            new.discard(record.key)
        return verdicts

    def read(self, after: int = 0, limit: int = 10_000, types: Collection[str] = ()) -> list[Record]:
        """The records behind position `after`, in order, at most `limit`; with `types` only records of these."""
        table = self.table
        wanted = table.c.type.in_(types) if types else true()
        query = select(table).where(table.c.position > after, wanted).order_by(table.c.position).limit(limit)
        return self._select(query)

    def find(self, key: str) -> Record | None:
        """The record of this key; None when there is none."""
        found = self._select(select(self.table).where(self.table.c.key == key))
        return found[0] if found else None

    def named_together(self, after: int, upto: int) -> list[tuple[str, str]]:
        """The user and anonymous ids that stand in one record behind `after` and not behind `upto`, each pair once."""
        user, anonymous, position = self.table.c.user_id, self.table.c.anonymous_id, self.table.c.position
        both = user.is_not(None), anonymous.is_not(None)
        query = select(user, anonymous).where(position > after, position <= upto, *both).distinct()
        with self.engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def scan(self, after: int = 0, upto: int | None = None, batch: int = 10_000) -> Iterator[list[Record]]:
        """Everything behind `after` (and not behind `upto`), a batch at a time, in order."""
        while records := self.read(after, batch):
            after = records[-1].position
            if upto is not None and after >= upto:
                if inside := [record for record in records if record.position <= upto]:
                    yield inside
                return
            yield records

    def of_person(
        self,
        user_ids: Sequence[str],
        anonymous_ids: Sequence[str],
        after: int = 0,
        limit: int = 500,
        since: datetime | None = None,
        types: Collection[str] = (),
        before: datetime | None = None,
    ) -> list[Record]:
        """The latest `limit` records of one person, known by any of these ids, that are behind `after`; oldest first.

        What occurred at `since` or later is among them even before `after`: what a row of features as of `since` that
        has read the log up to `after` does not know. With `types` only records of these, and with `before` only what
        occurred before it, so that the many others do not crowd them out.
        """
        if not user_ids and not anonymous_ids:
            return []
        dialect = self.engine.dialect.name
        counts = (told_apart(len(asked)) for asked in (user_ids, anonymous_ids, types))
        text = of_person(self.table.name, dialect, *counts, since is not None, before is not None)
        ids = *given(dialect, user_ids), *given(dialect, anonymous_ids)
        bounds = [after] if since is None else [after, microseconds(since)]
        ends = [limit] if before is None else [microseconds(before), limit]
        rows = self.read_by(text, (*ids, *bounds, *given(dialect, tuple(types)), *ends))
        return [Record(*row) for row in rows][::-1]

    def last_position(self) -> int:
        """The position of the newest record; 0 when the log is empty."""
        ((newest,),) = self.read_by(self._newest, ())
        return newest or 0

    def count(self, first: int, last: int) -> int:
        """How many records stand at the positions `first` to `last`."""
        text = f'SELECT count(*) FROM "{self.table.name}" WHERE "position" BETWEEN {self._mark} AND {self._mark}'
        ((found,),) = self.read_by(text, (first, last))
        return int(found)

    def before(self, received_at: int) -> int:
        """A position behind which everything stands that was received then (microseconds) or later.

        Found by halving the log, whose records stand in the order in which they were received.
        """
        first, last = 0, self.last_position()
        while first < last:
            middle = (first + last) // 2
            found = self.read(middle, 1)
            if found and found[0].received_at < received_at:  # else the newest may have been erased meanwhile
                first = found[0].position
            else:
                last = middle
        return first

    def _select(self, query: Any) -> list[Record]:
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings()
            return [Record(**row) for row in rows]
