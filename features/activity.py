"""How much came in, by hour and type: a small table that follows the logs, so that no page counts a log.

It holds counts, latest times, channels and product ids, nobody's id; so an erasure has nothing to take out of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, Table, Text, case, delete, func, select, text

from features.database import insert_into, metadata, writing
from features.log import microseconds, moment
from features.offsets import move, offset
from features.simulated import PREFIX
from features.told_channels import GRANTED, KEPT, WITHDRAWN, channels_told

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
"""In microseconds, as the logs store times."""

SKEWS = ("ahead", "at_once", "within_hour", "within_day", "older")
"""How the clock of an event stands to ours: more than a minute ahead, within a minute, up to an hour, a day, more
behind."""

MADE = "event of made customers"
"""What stands in place of a log where events of made customers are counted alone; in "event" they count too."""

_COUNTS = ("count", *SKEWS, "known_lines", "unknown_lines")
_LOCK = 7_061_776_699
_AT_ONCE = 20_000
_UNKNOWN_KEPT = 5_000
_ACTIVITY = Table(
    "activity",
    metadata,
    Column("log", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in _COUNTS),
)
_UNKNOWN = Table(
    "unknown_item",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("lines", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
_RANGE = "position > :after AND position <= :upto"
_MADE = f"substr(coalesce(user_id, ''), 1, {len(PREFIX)}) = '{PREFIX}'"
"""Told of an event: what made customers buy is no product of the shop, so their lines are not looked up."""

_TALLY = f"""
SELECT received_at / {HOUR} AS hour, type, count(*) AS count,
  max(occurred_at) AS occurred_at, max(received_at) AS received_at,
  sum(CASE WHEN late < -{MINUTE} THEN 1 ELSE 0 END) AS ahead,
  sum(CASE WHEN late BETWEEN -{MINUTE} AND {MINUTE} THEN 1 ELSE 0 END) AS at_once,
  sum(CASE WHEN late > {MINUTE} AND late <= {HOUR} THEN 1 ELSE 0 END) AS within_hour,
  sum(CASE WHEN late > {HOUR} AND late <= {DAY} THEN 1 ELSE 0 END) AS within_day,
  sum(CASE WHEN late > {DAY} THEN 1 ELSE 0 END) AS older
FROM (SELECT *, received_at - occurred_at AS late FROM {{log}} WHERE {_RANGE} AND {{which}}) AS told GROUP BY 1, 2"""
_LINES = {
    "sqlite": "FROM event e, json_each(e.payload, '$.lines') l "
    "LEFT JOIN product p ON p.product_id = json_extract(l.value, '$.product_id')",
    "postgresql": "FROM event e "
    "CROSS JOIN LATERAL jsonb_array_elements(CAST(e.payload AS jsonb) -> 'lines') AS l(value) "
    "LEFT JOIN product p ON p.product_id = (l.value ->> 'product_id') COLLATE \"C\"",
}
_ID = {"sqlite": "json_extract(l.value, '$.product_id')", "postgresql": "l.value ->> 'product_id'"}


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


@dataclass(frozen=True)
class UnknownItem:
    """A product id that events named and the catalogue does not know: in how many lines, and when last."""

    product_id: str
    lines: int
    received_at: datetime


class Activity:
    """The tallies of the event log and of the decision log of one shop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def step(self) -> bool:
        """Count the next records of both logs; returns whether more are waiting.

        Counting and remembering how far are one transaction, so whatever fails is counted again and nothing twice; of
        two who count at the same time the second finds that it is done.
        """
        return self._follow("event") | self._follow("decision") | self._follow_words()

    def behind(self) -> int:
        """How many events are not counted yet, at most."""
        with self.engine.connect() as connection:
            last = connection.execute(text("SELECT max(position) FROM event")).scalar() or 0
            return int(last - offset(connection, _name("event")))

    def hours(self, log: str, since: datetime) -> list[Tally]:
        """The tallies of the hours that end after `since`, the eldest first."""
        wanted = _ACTIVITY.c.log == log, _ACTIVITY.c.hour >= microseconds(since) // HOUR
        with self.engine.connect() as connection:
            found = select(_ACTIVITY).where(*wanted).order_by(_ACTIVITY.c.hour, _ACTIVITY.c.type)
            return [_tally(row) for row in connection.execute(found)]

    def types(self, log: str) -> list[Tally]:
        """One tally for each type that ever came, over all hours; its `hour` is the first."""
        columns = _ACTIVITY.c
        summed = [func.sum(columns[name]).label(name) for name in _COUNTS]
        query = (
            select(
                columns.type,
                func.min(columns.hour).label("hour"),
                func.max(columns.occurred_at).label("occurred_at"),
                func.max(columns.received_at).label("received_at"),
                *summed,
            )
            .where(columns.log == log)
            .group_by(columns.type)
            .order_by(columns.type)
        )
        with self.engine.connect() as connection:
            return [_tally(row) for row in connection.execute(query)]

    def unknown_items(self, most: int) -> list[UnknownItem]:
        """The product ids that events name most and the catalogue still does not know."""
        query = text(
            "SELECT u.product_id, u.lines, u.received_at FROM unknown_item u WHERE NOT EXISTS "
            "(SELECT 1 FROM product p WHERE p.product_id = u.product_id) "
            "ORDER BY u.lines DESC, u.product_id LIMIT :most"
        )
        with self.engine.connect() as connection:
            return [
                UnknownItem(row.product_id, int(row.lines), moment(row.received_at))
                for row in connection.execute(query, {"most": most})
            ]

    def _follow(self, log: str) -> bool:
        with self.engine.connect() as connection:
            after = offset(connection, _name(log))
            last = connection.execute(text(f"SELECT max(position) FROM {log}")).scalar() or 0
            upto = min(int(last), after + _AT_ONCE)
            if upto <= after:
                return False
            told = {"after": after, "upto": upto}
            rows = _tallied(connection, told, log)
            made = _tallied(connection, told, log, _MADE) if log == "event" else []
            lines, unknown = self._lines(connection, told) if log == "event" else ({}, [])
        with writing(self.engine, _LOCK) as connection:
            if offset(connection, _name(log)) != after:
                return True
            _add(connection, _ACTIVITY, [_row(log, row, lines) for row in rows], _COUNTS)
            if made:
                _add(connection, _ACTIVITY, [_row(MADE, row, {}) for row in made], _COUNTS)
            if unknown:
                _add(connection, _UNKNOWN, unknown, ("lines",))
                _trim(connection)
            move(connection, _name(log), upto)
        return upto < last

    def _follow_words(self) -> bool:
        """Count words about consent; by a mark of its own, as they may be in a log that is counted already."""
        with self.engine.connect() as connection:
            after = offset(connection, _name(GRANTED))
            last = int(connection.execute(text("SELECT max(position) FROM event")).scalar() or 0)
            upto = min(last, after + _AT_ONCE)
            if upto <= after:
                return False
            rows = channels_told(connection, after, upto, HOUR)
        with writing(self.engine, _LOCK) as connection:
            if offset(connection, _name(GRANTED)) != after:
                return True
            if rows:
                _add(connection, _ACTIVITY, [dict.fromkeys(_COUNTS, 0) | row for row in rows], _COUNTS)
                _trim_channels(connection)
            move(connection, _name(GRANTED), upto)
        return upto < last

    def _lines(
        self, connection: Connection, told: dict[str, int]
    ) -> tuple[dict[tuple[int, str], tuple[int, int]], list[Any]]:
        dialect = self.engine.dialect.name
        where = f"{_RANGE.replace('position', 'e.position')} AND NOT {_MADE.replace('user_id', 'e.user_id')}"
        matched = text(
            f"SELECT e.received_at / {HOUR} AS hour, e.type AS type, count(p.product_id) AS known, count(*) AS lines "
            f"{_LINES[dialect]} WHERE {where} GROUP BY 1, 2"
        )
        missed = text(
            f"SELECT {_ID[dialect]} AS product_id, count(*) AS lines, max(e.received_at) AS received_at "
            f"{_LINES[dialect]} WHERE {where} AND p.product_id IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT {_UNKNOWN_KEPT}"
        )
        lines = {(row.hour, row.type): (row.known, row.lines - row.known) for row in connection.execute(matched, told)}
        return lines, [dict(row) for row in connection.execute(missed, told).mappings()]


def _tallied(connection: Connection, told: dict[str, int], log: str, which: str = "1 = 1") -> list[dict[str, Any]]:
    query = text(_TALLY.format(log=log, which=which))
    return [dict(row) for row in connection.execute(query, told).mappings()]


def _name(log: str) -> str:
    return f"activity of {log}"


def _row(log: str, row: dict[str, Any], lines: dict[tuple[int, str], tuple[int, int]]) -> dict[str, Any]:
    known, unknown = lines.get((row["hour"], row["type"]), (0, 0))
    return {**row, "log": log, "known_lines": known, "unknown_lines": unknown}


def _add(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], counted: Sequence[str]) -> None:
    """Write rows, added to those that are there; of two times the later counts."""
    insert = insert_into(table, connection.dialect.name)
    anew = {name: table.c[name] + insert.excluded[name] for name in counted}
    for name in ("occurred_at", "received_at"):
        if name in table.c:
            told, there = insert.excluded[name], table.c[name]
            anew[name] = case((told > there, told), else_=there)
    keys = [column.name for column in table.primary_key]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=anew), rows)


def _trim(connection: Connection) -> None:
    """Keep the ids that were named most: whoever sends made-up ids must not fill the database."""
    id_, lines = _UNKNOWN.c.product_id, _UNKNOWN.c.lines
    kept = select(id_).order_by(lines.desc(), _UNKNOWN.c.received_at.desc()).limit(_UNKNOWN_KEPT)
    connection.execute(delete(_UNKNOWN).where(id_.not_in(kept)))


def _trim_channels(connection: Connection) -> None:
    """The same for channels that words about consent name; of as many words each, those that were there first."""
    log, channel, words = _ACTIVITY.c.log, _ACTIVITY.c.type, func.sum(_ACTIVITY.c.count)
    told, first = log.in_([GRANTED, WITHDRAWN]), func.min(_ACTIVITY.c.hour)
    most = select(channel).where(told).group_by(channel).order_by(words.desc(), first, channel).limit(KEPT)
    connection.execute(delete(_ACTIVITY).where(told, channel.not_in(most)))


def _tally(row: Any) -> Tally:
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
