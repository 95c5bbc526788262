"""Limits that hold over all workers: each adds what it spent to a row of the database, and reads what all did."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Engine, Table, Text, delete, select

from features.database import insert_into, metadata, writing
from features.log import microseconds
from features.privacy.secret import digest
from serving.access.buckets import Buckets

EXCHANGE_SECONDS = 0.5

_SPENT = Table(
    "rate_spent",
    metadata,
    Column("name", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
_LOCK = 7_061_776_683
_NAMES_A_TIME = 1_000
_KEPT = timedelta(minutes=10)


class SharedLimits:
    """Tells the other workers what was spent here, and the buckets here what was spent there.

    No request waits for it. Each worker of n may let through what it has itself until it hears of the others, and
    everything it hears of it takes off. So in any time T all of them together let through at most
    `burst + rate * T + (n - 1) * (burst + rate * 0.5 s)`, and what was too much is missing afterwards.

    A name, which may be an address, is kept as a hash keyed with the `secret` of the shop. Whoever exchanges takes out
    those of whom nothing was heard for ten minutes.
    """

    def __init__(self, engine: Engine, secret: bytes, limits: Sequence[Buckets], clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._secret = secret
        self._limits = limits
        self._clock = clock
        self._purge_at: datetime | None = None

    def exchange(self) -> None:
        """Add and read, in one transaction; nothing at all when nothing was spent since the last time."""
        told = [buckets.spent(_NAMES_A_TIME) for buckets in self._limits]
        names = [
            {f"{buckets.limit.name}:{digest(self._secret, buckets.limit.name, name)}": name for name in spent}
            for buckets, spent in zip(self._limits, told, strict=True)
        ]
        if not any(told):
            return
        now = self._clock()
        rows = [
            {"name": row, "spent": spent[name], "at": microseconds(now)}
            for here, spent in zip(names, told, strict=True)
            for row, name in here.items()
        ]
        insert = insert_into(_SPENT, self._engine.dialect.name)
        added = {"spent": _SPENT.c.spent + insert.excluded.spent, "at": insert.excluded.at}
        upsert = insert.on_conflict_do_update(index_elements=["name"], set_=added)
        totals: dict[str, int] = {}
        with writing(self._engine, _LOCK) as connection:
            connection.execute(upsert, rows)
            for first in range(0, len(rows), 500):
                wanted = [row["name"] for row in rows[first : first + 500]]
                found = connection.execute(select(_SPENT.c.name, _SPENT.c.spent).where(_SPENT.c.name.in_(wanted)))
                totals |= {row.name: row.spent for row in found}
            if self._purge_at is None or now >= self._purge_at:
                connection.execute(delete(_SPENT).where(_SPENT.c.at < microseconds(now - _KEPT)))
                self._purge_at = now + _KEPT / 10
        for buckets, here, spent in zip(self._limits, names, told, strict=True):
            buckets.learn(spent, {name: totals[row] for row, name in here.items()})
