"""Answers kept under an `Idempotency-Key` for a day, in the database: any worker gives them again, even restarted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Row,
    Table,
    Text,
    and_,
    delete,
    func,
    select,
    update,
)

from features.database import insert_into, metadata
from features.log import microseconds, moment

KEPT = timedelta(hours=24)
STALE = timedelta(seconds=60)
"""Twice what the most patient request takes: whoever ran it is gone."""

_MOST = 100_000
_PURGE_EVERY = timedelta(minutes=1)

ANSWERS = Table(
    "kept_answer",
    metadata,
    Column("name", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("status", Integer),
    Column("media_type", Text),
    Column("body", Text),
)


@dataclass(frozen=True)
class Begun:
    """The turn to run a request. Whoever holds it finishes or gives up; else it passes on after `STALE`."""

    name: str
    at: int


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that was given."""

    status: int
    media_type: str
    body: bytes


class Running(Exception):
    """Somebody runs the request now."""


class OtherRequest(Exception):
    """The name was used for another request."""


class KeptAnswers:
    """The answers of all workers. A request is kept as a hash; an answer for 24 hours, as it was given."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._purge_at: datetime | None = None

    def begin(self, name: str, request: str, now: datetime) -> Begun | KeptAnswer:
        """The turn to run what `name` stands for, or the answer that was given. `request` is the hash of the request.

        Raises Running and OtherRequest.
        """
        begun = Begun(name, microseconds(now))
        row = {"name": name, "request": request, "at": begun.at}
        insert = insert_into(ANSWERS, self._engine.dialect.name).on_conflict_do_nothing(index_elements=["name"])
        with self._engine.begin() as connection:
            if connection.execute(insert.returning(ANSWERS.c.name), row).first() is not None:
                self._purge(connection, now)
                return begun
            found = connection.execute(select(ANSWERS).where(ANSWERS.c.name == name)).one_or_none()
            if found is None:
                raise Running
            age = now - moment(found.at)
            if age > KEPT or (found.status is None and found.request == request and age > STALE):
                return self._take_over(connection, found, begun, request)
        if found.request != request:
            raise OtherRequest
        if found.status is None:
            raise Running
        return KeptAnswer(found.status, found.media_type, found.body.encode())

    def finish(self, begun: Begun, answer: KeptAnswer) -> None:
        """Keep the answer, unless somebody has taken over meanwhile."""
        given = {"status": answer.status, "media_type": answer.media_type, "body": answer.body.decode()}
        with self._engine.begin() as connection:
            connection.execute(update(ANSWERS).where(_own(begun)).values(given))

    def give_up(self, begun: Begun) -> None:
        """Nothing was done: the same request may come again at once."""
        with self._engine.begin() as connection:
            connection.execute(delete(ANSWERS).where(_own(begun)))

    def _take_over(self, connection: Connection, found: Row[tuple[object, ...]], begun: Begun, request: str) -> Begun:
        fresh = {"request": request, "at": begun.at, "status": None, "media_type": None, "body": None}
        same = ANSWERS.c.name == begun.name, ANSWERS.c.at == found.at
        if connection.execute(update(ANSWERS).where(*same).values(fresh)).rowcount == 0:
            raise Running
        return begun

    def _purge(self, connection: Connection, now: datetime) -> None:
        """What is old, and of what is too much the eldest."""
        if self._purge_at is not None and now < self._purge_at:
            return
        self._purge_at = now + _PURGE_EVERY
        connection.execute(delete(ANSWERS).where(ANSWERS.c.at < microseconds(now - KEPT)))
        beyond = connection.scalar(select(func.count()).select_from(ANSWERS)) or 0
        if beyond > _MOST:
            eldest = select(ANSWERS.c.name).order_by(ANSWERS.c.at).limit(beyond - _MOST)
            connection.execute(delete(ANSWERS).where(ANSWERS.c.name.in_(eldest)))


def _own(begun: Begun) -> ColumnElement[bool]:
    return and_(ANSWERS.c.name == begun.name, ANSWERS.c.at == begun.at, ANSWERS.c.status.is_(None))
