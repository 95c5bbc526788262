"""Whose clock counts for what several processes agree on through the database."""

from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Engine, cast, extract, func, literal

from features.log import microseconds


def present(engine: Engine, now: datetime) -> ColumnElement[int]:
    """Microseconds since 1970, to be asked in the statement that needs them.

    On PostgreSQL, which many machines share, by the clock of its server; on SQLite, whose file is one machine's, it is
    the caller's `now`.
    """
    if engine.dialect.name == "postgresql":
        return cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return literal(microseconds(now), BigInteger)
