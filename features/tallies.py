"""How much came in, by hour and type: the table of tallies, and the query that makes them of a stretch of a log.

It holds counts, latest times, channels and purposes, nobody's id; so an erasure has nothing to take out of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, case, text

from features.database import insert_into, metadata
from features.log import moment
from features.simulated import PREFIX

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
"""In microseconds, as the logs store times."""

SKEWS = ("ahead", "at_once", "within_hour", "within_day", "older")
"""How the clock of an event stands to ours: more than a minute ahead, within a minute, up to an hour, a day, more
behind."""

COUNTS = ("count", *SKEWS, "known_lines", "unknown_lines")
TALLIES = Table(
    "activity",
    metadata,
    Column("log", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTS),
)
STRETCH = "position > :after AND position <= :upto"

OF_MADE = f"substr(coalesce(user_id, ''), 1, {len(PREFIX)}) = '{PREFIX}'"
"""Told of an event: whether it is one of a made customer."""

_TALLY = f"""
SELECT received_at / {HOUR} AS hour, type, count(*) AS count,
  max(occurred_at) AS occurred_at, max(received_at) AS received_at,
  sum(CASE WHEN late < -{MINUTE} THEN 1 ELSE 0 END) AS ahead,
  sum(CASE WHEN late BETWEEN -{MINUTE} AND {MINUTE} THEN 1 ELSE 0 END) AS at_once,
  sum(CASE WHEN late > {MINUTE} AND late <= {HOUR} THEN 1 ELSE 0 END) AS within_hour,
  sum(CASE WHEN late > {HOUR} AND late <= {DAY} THEN 1 ELSE 0 END) AS within_day,
  sum(CASE WHEN late > {DAY} THEN 1 ELSE 0 END) AS older
FROM (SELECT *, received_at - occurred_at AS late FROM {{log}} WHERE {STRETCH} AND {{which}}) AS told GROUP BY 1, 2"""


@dataclass(frozen=True)
class Tally:
    """What came in of one type, in one hour that begins at `hour`, or in all hours that were asked for.

    `skews` goes by `SKEWS`; `known_lines` named a product of the catalogue when they were counted. Lines of made
    customers count nowhere.
    """

    type: str
    hour: datetime
    count: int
    occurred_at: datetime
    received_at: datetime
    skews: tuple[int, ...]
    known_lines: int
    unknown_lines: int


def tally(row: Any) -> Tally:
    """What a row of the table says, or a sum of several."""
    return Tally(
        type=row.type,
        hour=moment(int(row.hour) * HOUR),
        count=int(row.count),
        occurred_at=moment(row.occurred_at),
        received_at=moment(row.received_at),
        skews=tuple(int(getattr(row, name)) for name in SKEWS),
        known_lines=int(row.known_lines),
        unknown_lines=int(row.unknown_lines),
    )


def tallied(connection: Connection, stretch: dict[str, int], log: str, which: str = "1 = 1") -> list[dict[str, Any]]:
    """Rows of the table for a stretch of a log (`after` a position, `upto` another), but for its name and lines."""
    query = text(_TALLY.format(log=log, which=which))
    return [dict(row) for row in connection.execute(query, stretch).mappings()]


def add(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], counted: Sequence[str]) -> None:
    """Write rows, added to those that are there; of two times the later counts."""
    insert = insert_into(table, connection.dialect.name)
    anew = {name: table.c[name] + insert.excluded[name] for name in counted}
    for name in ("occurred_at", "received_at"):
        if name in table.c:
            told, there = insert.excluded[name], table.c[name]
            anew[name] = case((told > there, told), else_=there)
    keys = [column.name for column in table.primary_key]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=anew), rows)
