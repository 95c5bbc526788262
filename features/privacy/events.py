"""The event log and what follows from it in the same database: who is who, and the carts."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Engine, delete, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from features.among import one_of
from features.cart_table import CARTS
from features.database import writing
from features.events import Body
from features.identity_links import LINKS
from features.log import EVENTS, Log, moment
from features.person import Person
from features.privacy.base import Row, customers
from features.privacy.log_rows import rows_of, take_out, theirs
from features.privacy.personal import WORDS

_LOCK = 7_061_776_692
_BODY = msgspec.json.Decoder(Body)


class EventRows:
    """The event log. On a shared device others' events stay, without the id of the device."""

    name = "events"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every event, oldest first."""
        for record in rows_of(Log(self.engine, EVENTS), person):
            yield {
                "message_id": record.key,
                "type": record.type,
                "occurred_at": moment(record.occurred_at).isoformat(),
                "received_at": moment(record.received_at).isoformat(),
                "user_id": record.user_id,
                "anonymous_id": record.anonymous_id,
                **msgspec.json.decode(record.payload),
            }

    def erase(self, person: Person) -> None:
        """In one transaction; what others claimed of these ids by an alias goes too, as it names them."""
        dialect = self.engine.dialect.name
        shared = one_of(dialect, EVENTS.c.anonymous_id, person.anonymous_ids)
        with writing(self.engine, _LOCK) as connection:
            take_out(connection, EVENTS, theirs(dialect, EVENTS, person))
            connection.execute(update(EVENTS).where(shared).values(anonymous_id=None))
            if claims := _claims(connection, dialect, person):
                take_out(connection, EVENTS, one_of(dialect, EVENTS.c.position, claims))


class Links:
    """Which ids are the same person's."""

    name = "identities"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every link from one id to another, and since when it holds."""
        with self.engine.connect() as connection:
            for row in connection.execute(select(LINKS).where(_linked(self.engine.dialect.name, person))):
                yield {"kind": row.kind, "id": row.id, "user_id": row.user_id, "since": moment(row.since).isoformat()}

    def erase(self, person: Person) -> None:
        """Also what others claimed of the ids."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(LINKS).where(_linked(self.engine.dialect.name, person)))


class CartRows:
    """What lies in carts."""

    name = "carts"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every cart."""
        with self.engine.connect() as connection:
            for payload in connection.execute(
                select(CARTS.c.payload).where(_in_carts(self.engine.dialect.name, person))
            ).scalars():
                yield msgspec.json.decode(payload)

    def erase(self, person: Person) -> None:
        """Every cart."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(CARTS).where(_in_carts(self.engine.dialect.name, person)))


class Words:
    """What was said on being known at all; the event log holds the words themselves."""

    name = "personalization"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """The last word of each id."""
        with self.engine.connect() as connection:
            for row in connection.execute(select(WORDS).where(_said(self.engine.dialect.name, person))):
                said = "granted" if row.granted else "withdrawn"
                yield {"kind": row.kind, "id": row.id, "consent": said, "at": moment(row.at).isoformat()}

    def erase(self, person: Person) -> None:
        """The words of all ids."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(WORDS).where(_said(self.engine.dialect.name, person)))


def _said(dialect: str, person: Person) -> ColumnElement[bool]:
    return one_of(dialect, WORDS.c.id, [*person.user_ids, *person.anonymous_ids])


def _linked(dialect: str, person: Person) -> ColumnElement[bool]:
    """Whatever kind an id has there: the previous id of an alias is recorded as both, the message does not tell."""
    ids = [*person.user_ids, *person.anonymous_ids]
    return or_(one_of(dialect, LINKS.c.id, ids), one_of(dialect, LINKS.c.user_id, person.user_ids))


def _in_carts(dialect: str, person: Person) -> ColumnElement[bool]:
    user = one_of(dialect, CARTS.c.user_id, person.user_ids)
    visitor = one_of(dialect, CARTS.c.anonymous_id, person.anonymous_ids)
    return or_(one_of(dialect, CARTS.c.customer_id, customers(person)), user, visitor)


def _claims(connection: Connection, dialect: str, person: Person) -> list[int]:
    """Where others said by an alias that one of these ids was theirs."""
    ids = {*person.user_ids, *person.anonymous_ids}
    named = one_of(dialect, LINKS.c.id, sorted(ids))
    others = connection.execute(select(LINKS.c.user_id).where(named).distinct()).scalars().all()
    aliases = EVENTS.c.type == "aliased", one_of(dialect, EVENTS.c.user_id, others)
    rows = connection.execute(select(EVENTS.c.position, EVENTS.c.payload).where(*aliases))
    return [row.position for row in rows if _BODY.decode(row.payload).previous_id in ids]
