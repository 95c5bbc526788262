"""Rows of a log that are about one person: how they are found and taken out, so that positions never go back.

Projections remember the position that they have read to. Were the newest row taken out, the log would end before it,
and they would take it for another log; so of the newest row all is blanked but its position.
"""

import secrets
from collections.abc import Iterator

from sqlalchemy import Connection, Table, and_, delete, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from features.among import nobodys, one_of
from features.log import Log, Record
from features.people import records_of
from features.person import Person

BLANK = "erased"
"""The type of a row of which nothing is left."""


def rows_of(log: Log, person: Person) -> Iterator[Record]:
    """Everything in a log that is about a person: what names a customer is that customer's, whoever used the device."""
    for _, records in records_of(log, [person], ()):
        yield from records


def theirs(dialect: str, table: Table, person: Person) -> ColumnElement[bool]:
    """The same as a condition."""
    visitor = and_(nobodys(), one_of(dialect, table.c.anonymous_id, person.anonymous_ids))
    return or_(one_of(dialect, table.c.user_id, person.user_ids), visitor)


def take_out(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    """Delete rows of a log, whose newest is blanked."""
    newest = select(func.max(table.c.position)).scalar_subquery()
    last = connection.execute(select(table.c.position).where(table.c.position == newest, which)).scalar()
    if last is not None:
        blank = {"key": f"{BLANK}:{secrets.token_hex(8)}", "type": BLANK, "payload": "{}"}
        nobody = {"user_id": None, "anonymous_id": None}
        connection.execute(update(table).where(table.c.position == last).values(**blank, **nobody))
        which = and_(which, table.c.position != last)
    connection.execute(delete(table).where(which))
