"""What people did at the console: who, when, in which role, to what; kept so that somebody can answer for it.

No id of a customer stands in it: whoever looked at a person left a hash keyed with the secret of the shop. So there is
nothing in it that an erasure would have to take out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, Table, Text, delete, select

from features.database import metadata
from features.log import microseconds, moment

Act = Literal["signed_in", "promoted", "admitted", "rolled_back", "refused", "looked", "exported"]
"""`refused` is a change that did not happen; `looked` is opening the page of one customer, `exported` taking
those of a segment along."""

_ACTS = Table(
    "console_act",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Index("console_act_at", "at"),
)


@dataclass(frozen=True)
class Done:
    """One act. `actor` is the prefix of a key, or the name that a proxy told; `details` is the reason, or why not."""

    number: int
    at: datetime
    actor: str
    role: str
    act: str
    object: str
    details: str


class Acts:
    """The acts of one shop: written, read, and deleted when they are old; never changed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def write(self, at: datetime, actor: str, role: str, act: Act, object: str, details: str = "") -> None:  # noqa: A002
        """Keep one act; on disk when this returns."""
        row = {"at": microseconds(at), "actor": actor, "role": role, "act": act, "object": object, "details": details}
        with self.engine.begin() as connection:
            connection.execute(_ACTS.insert(), row)

    def latest(self, most: int, before: int | None = None, objects: tuple[str, ...] | None = None) -> list[Done]:
        """The latest acts, the newest first: those numbered below `before`, on `objects` if named."""
        query = select(_ACTS).order_by(_ACTS.c.number.desc()).limit(most)
        if before is not None:
            query = query.where(_ACTS.c.number < before)
        if objects is not None:
            query = query.where(_ACTS.c.object.in_(objects))
        with self.engine.connect() as connection:
            return [
                Done(row.number, moment(row.at), row.actor, row.role, row.act, row.object, row.details)
                for row in connection.execute(query)
            ]

    def prune(self, limit: datetime) -> int:
        """Delete those before `limit`; returns how many."""
        with self.engine.begin() as connection:
            return connection.execute(delete(_ACTS).where(_ACTS.c.at < microseconds(limit))).rowcount
