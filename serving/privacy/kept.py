"""Answers kept for whoever sends a request twice: those that name a person go with the person."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Engine, delete, or_, select
from sqlalchemy.sql.elements import ColumnElement

from features.database import writing
from features.identity import Person
from features.log import moment
from features.privacy.base import Row
from serving.kept_answers import ANSWERS

_LOCK = 7_061_776_697


class KeptAnswerRows:
    """What is not named in an answer cannot be found: one with recommendations goes with its 24 hours."""

    name = "kept answers"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """Every answer in which one of the ids stands."""
        with self.engine.connect() as connection:
            for row in connection.execute(select(ANSWERS).where(_naming(person))):
                yield {"at": moment(row.at).isoformat(), "status": row.status, "body": row.body}

    def erase(self, person: Person) -> None:
        """The same request is answered anew from then on."""
        with writing(self.engine, _LOCK) as connection:
            connection.execute(delete(ANSWERS).where(_naming(person)))


def _naming(person: Person) -> ColumnElement[bool]:
    ids = (msgspec.json.encode(id_).decode() for id_ in (*person.user_ids, *person.anonymous_ids))
    return or_(*(ANSWERS.c.body.contains(id_, autoescape=True) for id_ in ids))
