"""Who must not come back: keyed hashes of ids in a table, and all of them in memory where each event is checked.

A hash says only whether an id that is at hand is on the list. An event of somebody who is on it is not kept, whatever
way it comes by; of somebody else it is kept without the anonymous id that is on it, as a device may be shared.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Column, Engine, Table, Text, delete, func, select

from features.among import one_of
from features.database import insert_into, metadata, writing
from features.events import Event
from features.log import Record, from_record, microseconds
from features.offsets import move, offset, offset_by
from features.person import Person
from features.privacy.secret import digest
from features.selecting import Select, by_engine

_SUPPRESSED = Table(
    "suppressed",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
)
_CHECK = Table("suppression_check", metadata, Column("hash", Text, primary_key=True))
_REVISION = "suppression"
_LOCK = 7_061_776_698
_PREVIOUS = "aliased"


class Suppressions:
    """The list in the database on `engine`, under `secret`, with a copy in memory that `refresh` brings up to date.

    Raises RuntimeError where the list was made with another secret, as nobody on it would be known any more.
    """

    def __init__(self, engine: Engine, secret: bytes, read_by: Select | None = None) -> None:
        self.engine = engine
        self._read_by = read_by or by_engine(engine)
        self.secret = secret
        self._hashes: frozenset[str] = frozenset()
        self.revision = -1
        """Of the copy in memory: it goes up with every change of the list."""

        self._refreshing = threading.Lock()
        self._check_secret()
        self.refresh()

    def add(self, person: Person, at: datetime) -> int:
        """Put every id of a person on the list; returns how many are new."""
        rows = [{"hash": hash_, "since": microseconds(at)} for hash_ in self.hashes_of(person)]
        with writing(self.engine, _LOCK) as connection:
            before = connection.execute(select(func.count()).select_from(_SUPPRESSED)).scalar_one()
            connection.execute(insert_into(_SUPPRESSED, self.engine.dialect.name).on_conflict_do_nothing(), rows)
            after = connection.execute(select(func.count()).select_from(_SUPPRESSED)).scalar_one()
            move(connection, _REVISION, offset(connection, _REVISION) + 1)
        self.refresh()
        return int(after - before)

    def lift(self, person: Person) -> int:
        """Take every id of a person off the list; returns how many were on it."""
        with writing(self.engine, _LOCK) as connection:
            theirs = one_of(self.engine.dialect.name, _SUPPRESSED.c.hash, self.hashes_of(person))
            gone = connection.execute(delete(_SUPPRESSED).where(theirs)).rowcount
            move(connection, _REVISION, offset(connection, _REVISION) + 1)
        self.refresh()
        return int(gone)

    def refresh(self) -> None:
        """Read the list anew if it has changed."""
        with self._refreshing:
            revision = offset_by(self._read_by, _REVISION)
            if revision == self.revision:
                return
            with self.engine.connect() as connection:
                self._hashes = frozenset(connection.execute(select(_SUPPRESSED.c.hash)).scalars())
            self.revision = revision

    def anybody(self) -> bool:
        """Whether anybody is on the list."""
        return bool(self._hashes)

    def hashes_of(self, person: Person) -> list[str]:
        """What stands for a person: a hash for each id."""
        users = [digest(self.secret, "user", id_) for id_ in person.user_ids]
        return users + [digest(self.secret, "anonymous", id_) for id_ in person.anonymous_ids]

    def has_user(self, user_id: str | None) -> bool:
        """Whether a user id is on the list. While nobody is on it, that costs nothing."""
        return bool(self._hashes) and user_id is not None and digest(self.secret, "user", user_id) in self._hashes

    def has_visitor(self, anonymous_id: str | None) -> bool:
        """The same for an anonymous id."""
        if not self._hashes or anonymous_id is None:
            return False
        return digest(self.secret, "anonymous", anonymous_id) in self._hashes

    def has(self, user_id: str | None, anonymous_id: str | None) -> bool:
        """Whether this is somebody who is on the list; who names a user is that user, whoever else used the device.

        >>> from features.database import open_database
        >>> here = Suppressions(open_database("sqlite://"), b"a secret")
        >>> here.add(Person("u1", ("u1",), ("a1",)), datetime.fromisoformat("2026-11-21T00:00:00Z"))
        2
        >>> here.has("u1", None), here.has(None, "a1"), here.has("u2", "a1")
        (True, True, False)
        """
        return self.has_user(user_id) if user_id is not None else self.has_visitor(anonymous_id)

    def has_any(self, person: Person) -> bool:
        """Whether any id of a person is on the list."""
        users, visitors = map(self.has_user, person.user_ids), map(self.has_visitor, person.anonymous_ids)
        return bool(self._hashes) and (any(users) or any(visitors))

    def admitted(self, event: Event) -> Event | None:
        """The event as it may be kept; None where it is of somebody on the list, or says who somebody on it is."""
        if not self._hashes:
            return event
        previous = event.body.previous_id
        if self.has(event.user_id, event.anonymous_id) or self.has_user(previous) or self.has_visitor(previous):
            return None
        if self.has_visitor(event.anonymous_id):
            return msgspec.structs.replace(event, anonymous_id=None)
        return event

    def admitted_records(self, records: Sequence[Record]) -> list[Record]:
        """The same for records of the event log, as an import makes them; those of nobody on the list stay."""
        return list(self._admitted(records)) if self._hashes else list(records)

    def _admitted(self, records: Iterable[Record]) -> Iterable[Record]:
        for record in records:
            if self.has(record.user_id, record.anonymous_id):
                continue
            if record.type == _PREVIOUS and self.admitted(from_record(record)) is None:
                continue
            yield replace(record, anonymous_id=None) if self.has_visitor(record.anonymous_id) else record

    def _check_secret(self) -> None:
        own = digest(self.secret, "check", "kairos")
        with writing(self.engine, _LOCK) as connection:
            there = set(connection.execute(select(_CHECK.c.hash)).scalars())
            if not there:
                connection.execute(_CHECK.insert(), [{"hash": own}])
        if there and own not in there:
            raise RuntimeError(
                "the suppression list was made with another secret than the file that KAIROS_PRIVACY_KEY names holds; "
                "put that file back, or nobody who was erased is known any more"
            )
