"""Limits that hold over all workers: buckets in the database, which each worker tells what it let through by itself."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil

from sqlalchemy import BigInteger, Column, Connection, Engine, Table, Text, delete, select

from features.database import insert_into, metadata, writing
from features.log import microseconds
from features.privacy.secret import digest
from features.shared_clock import present
from serving.access.buckets import Buckets, Limit

EXCHANGE_SECONDS = 0.5

_SPENT = Table(
    "rate_spent",
    metadata,
    Column("name", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False, doc="millionths of a request that had not flowed back at that time"),
    Column("at", BigInteger, nullable=False, index=True),
)
_LOCK = 7_061_776_683
_NAMES_A_TIME = 1_000
_KEPT = 10 * 60 * 1_000_000
_REQUEST = 1_000_000


class SharedLimits:
    """Tells the other workers what was spent here, and the buckets here what all of them have left.

    No request waits for it. Each worker of n may let through what it has itself until it has told it and the others
    have asked, which takes two intervals. So in any time T all of them together let through at most
    `burst + rate * T + (n - 1) * (burst + rate * 2 * 0.5 s)`, and what was too much is missing afterwards.

    A name, which may be an address, is kept as a hash keyed with the `secret` of the shop. Whoever exchanges takes out
    those of whom nothing was heard for ten minutes.
    """

    def __init__(self, engine: Engine, secret: bytes, limits: Sequence[Buckets], clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._secret = secret
        self._limits = limits
        self._clock = clock
        self._exchanged_at = clock()
        self._purge_at = 0

    def exchange(self) -> None:
        """Add and read, in one transaction; nothing at all when nothing was spent since the last time."""
        asked_at = self._clock()
        told = [buckets.spent(_NAMES_A_TIME) for buckets in self._limits]
        if any(told):
            self._tell(told)
        self._exchanged_at = asked_at

    def _tell(self, told: Sequence[Mapping[str, int]]) -> None:
        """All of it was spent since the last exchange, `before` and `now` by the clock of the database."""
        with writing(self._engine, _LOCK) as connection:
            asked_at = self._clock()
            now = connection.execute(select(present(self._engine, asked_at))).scalar_one()
            before = now - max(0, microseconds(asked_at) - microseconds(self._exchanged_at))
            missing = [
                self._told(connection, buckets.limit, spent, before, now)
                for buckets, spent in zip(self._limits, told, strict=True)
            ]
            if now >= self._purge_at:
                connection.execute(delete(_SPENT).where(_SPENT.c.at < now - _KEPT))
                self._purge_at = now + _KEPT // 10
        for buckets, spent, taken in zip(self._limits, told, missing, strict=True):
            buckets.learn(spent, taken)

    def _told(
        self, connection: Connection, limit: Limit, spent: Mapping[str, int], before: int, now: int
    ) -> dict[str, float]:
        """What is missing from the full bucket of each name, once what was `spent` here is taken out of it as well."""
        if not spent:
            return {}
        rows = {f"{limit.name} level:{digest(self._secret, limit.name, name)}": name for name in spent}
        levels = dict.fromkeys(rows, 0)
        stood = dict.fromkeys(rows, before)
        for known in connection.execute(select(_SPENT).where(_SPENT.c.name.in_(rows))):
            levels[known.name], stood[known.name] = known.spent, known.at
        for row, name in rows.items():
            begun = max(before, stood[row])  # nobody told of what flowed back since: it pays for what was spent then
            left = max(0, levels[row] - ceil((begun - stood[row]) * limit.rate))
            levels[row] = max(0, left + spent[name] * _REQUEST - ceil(max(0, now - begun) * limit.rate))
        insert = insert_into(_SPENT, self._engine.dialect.name)
        told = {"spent": insert.excluded.spent, "at": insert.excluded.at}
        connection.execute(
            insert.on_conflict_do_update(index_elements=["name"], set_=told),
            [{"name": row, "spent": level, "at": now} for row, level in levels.items()],
        )
        return {name: levels[row] / _REQUEST for row, name in rows.items()}
