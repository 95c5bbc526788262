"""The event log: what it holds of a person, and how it forgets them."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select, update

from features.among import one_of
from features.database import writing
from features.identity_links import LINKS
from features.identity_rules import previous_of
from features.log import EVENTS, Log, moment
from features.person import Person
from features.privacy.base import Row
from features.privacy.log_rows import rows_of, take_out, theirs

_LOCK = 7_061_776_692


class EventRows:
    """The event log. On a shared device others' events stay, without the id of the device."""

    name = "events"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every event, oldest first; of one whose payload is damaged its text is told, as `payload`."""
        for record in rows_of(Log(self.engine, EVENTS), person):
            yield {
                "message_id": record.key,
                "type": record.type,
                "occurred_at": moment(record.occurred_at).isoformat(),
                "received_at": moment(record.received_at).isoformat(),
                "user_id": record.user_id,
                "anonymous_id": record.anonymous_id,
                **_told(record.payload),
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


def _told(payload: str) -> Row:
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {"payload": payload}


def _claims(connection: Connection, dialect: str, person: Person) -> list[int]:
    """Where others said by an alias that one of these ids was theirs."""
    ids = {*person.user_ids, *person.anonymous_ids}
    named = one_of(dialect, LINKS.c.id, sorted(ids))
    others = connection.execute(select(LINKS.c.user_id).where(named).distinct()).scalars().all()
    aliases = EVENTS.c.type == "aliased", one_of(dialect, EVENTS.c.user_id, others)
    rows = connection.execute(select(EVENTS.c.position, EVENTS.c.payload).where(*aliases))
    return [row.position for row in rows if previous_of(row.payload) in ids]
