"""What follows from the event log in the same database: who is who, the carts, and who does not want to be known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Engine, Table, delete, or_, select
from sqlalchemy.sql.elements import ColumnElement

from features.among import one_of
from features.cart_table import CARTS
from features.database import writing
from features.identity_links import LINKS
from features.log import moment
from features.person import Person
from features.privacy.base import Row, customers
from features.privacy.personal import WORDS

_LOCK = 7_061_776_690


@dataclass(frozen=True)
class TableRows:
    """The rows of one table that are about a person: `theirs` finds them, given the dialect, and `told` says what one
    holds.
    """

    name: str
    engine: Engine
    table: Table
    theirs: Callable[[str, Person], ColumnElement[bool]]
    told: Callable[[Any], Row]

    def held(self, person: Person) -> Iterator[Row]:
        """Every row."""
        with self.engine.connect() as connection:
            for row in connection.execute(select(self.table).where(self._which(person))):
                yield self.told(row)

    def erase(self, person: Person) -> None:
        """Every row."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(self.table).where(self._which(person)))

    def _which(self, person: Person) -> ColumnElement[bool]:
        return self.theirs(self.engine.dialect.name, person)


def links(engine: Engine) -> TableRows:
    """Which ids are the same person's, since when; also what others claimed of the ids."""
    return TableRows("identities", engine, LINKS, _linked, _link)


def carts(engine: Engine) -> TableRows:
    """What lies in carts."""
    return TableRows("carts", engine, CARTS, _in_carts, lambda row: msgspec.json.decode(row.payload))


def words(engine: Engine) -> TableRows:
    """The last word of each id on being known at all; the event log holds the words themselves."""
    return TableRows("personalization", engine, WORDS, _said, _word)


def _linked(dialect: str, person: Person) -> ColumnElement[bool]:
    """Whatever kind an id has there: the previous id of an alias is recorded as both, the message does not tell."""
    ids = [*person.user_ids, *person.anonymous_ids]
    return or_(one_of(dialect, LINKS.c.id, ids), one_of(dialect, LINKS.c.user_id, person.user_ids))


def _link(row: Any) -> Row:
    return {"kind": row.kind, "id": row.id, "user_id": row.user_id, "since": moment(row.since).isoformat()}


def _in_carts(dialect: str, person: Person) -> ColumnElement[bool]:
    user = one_of(dialect, CARTS.c.user_id, person.user_ids)
    visitor = one_of(dialect, CARTS.c.anonymous_id, person.anonymous_ids)
    return or_(one_of(dialect, CARTS.c.customer_id, customers(person)), user, visitor)


def _said(dialect: str, person: Person) -> ColumnElement[bool]:
    return one_of(dialect, WORDS.c.id, [*person.user_ids, *person.anonymous_ids])


def _word(row: Any) -> Row:
    said = "granted" if row.granted else "withdrawn"
    return {"kind": row.kind, "id": row.id, "consent": said, "at": moment(row.at).isoformat()}
