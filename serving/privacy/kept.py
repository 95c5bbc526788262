"""Answers kept for whoever sends a request twice: those that name a person go with the person."""

import re
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Engine, delete, or_, select
from sqlalchemy.sql.elements import ColumnElement

from features.among import FEW, one_of
from features.database import writing
from features.log import moment
from features.person import Person
from features.privacy.base import Row
from serving.kept_answers import ANSWERS

_LOCK = 7_061_776_697
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
_AT_ONCE = 1_000


class KeptAnswerRows:
    """What is not named in an answer cannot be found: one with recommendations goes with its 24 hours."""

    name = "kept answers"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every answer in which one of the ids stands."""
        with self.engine.connect() as connection:
            for row in connection.execute(select(ANSWERS).where(_naming(connection, person))):
                yield {"at": moment(row.at).isoformat(), "status": row.status, "body": row.body}

    def erase(self, person: Person) -> None:
        """The same request is answered anew from then on."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(ANSWERS).where(_naming(connection, person)))


def _naming(connection: Connection, person: Person) -> ColumnElement[bool]:
    """Many ids are looked up in the texts of each answer: SQLite takes a thousand conditions, each read all of it."""
    ids = {msgspec.json.encode(id_).decode() for id_ in (*person.user_ids, *person.anonymous_ids)}
    if len(ids) <= FEW:
        return or_(*(ANSWERS.c.body.contains(id_, autoescape=True) for id_ in ids))
    given = select(ANSWERS.c.name, ANSWERS.c.body).where(ANSWERS.c.body.is_not(None))
    rows = connection.execute(given.execution_options(yield_per=_AT_ONCE))
    names = [row.name for row in rows if not ids.isdisjoint(_TEXTS.findall(row.body))]
    return one_of(connection.dialect.name, ANSWERS.c.name, names)
