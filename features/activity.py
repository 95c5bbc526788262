"""Counting what came in: small tables that follow the logs, so that no page counts a log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from features.database import writing
from features.log import microseconds
from features.offsets import move, offset
from features.tallies import COUNTS, HOUR, OF_MADE, TALLIES, Tally, add, tallied, tally
from features.told_words import CHANNELS, PURPOSES, Named, trim_words, words_told
from features.unknown_items import keep, lines_known, unknown_in

MADE = "event of made customers"
"""What stands in place of a log where events of made customers are counted alone; in "event" they count too."""

_LOCK = 7_061_776_699
_AT_ONCE = 20_000


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
        wanted = TALLIES.c.log == log, TALLIES.c.hour >= microseconds(since) // HOUR
        with self.engine.connect() as connection:
            found = select(TALLIES).where(*wanted).order_by(TALLIES.c.hour, TALLIES.c.type)
            return [tally(row) for row in connection.execute(found)]

    def types(self, log: str) -> list[Tally]:
        """One tally for each type that ever came, over all hours; its `hour` is the first."""
        columns = TALLIES.c
        summed = [func.sum(columns[name]).label(name) for name in COUNTS]
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
            return [tally(row) for row in connection.execute(query)]

    def _follow(self, log: str) -> bool:
        with self.engine.connect() as connection:
            after = offset(connection, _name(log))
            last = connection.execute(text(f"SELECT max(position) FROM {log}")).scalar() or 0
            upto = min(int(last), after + _AT_ONCE)
            if upto <= after:
                return False
            stretch = {"after": after, "upto": upto}
            rows = tallied(connection, stretch, log)
            made = tallied(connection, stretch, log, OF_MADE) if log == "event" else []
            lines = lines_known(connection, stretch) if log == "event" else {}
            unknown = unknown_in(connection, stretch) if log == "event" else []
        with writing(self.engine, _LOCK) as connection:
            if offset(connection, _name(log)) != after:
                return True
            add(connection, TALLIES, [_row(log, row, lines) for row in rows], COUNTS)
            if made:
                add(connection, TALLIES, [_row(MADE, row, {}) for row in made], COUNTS)
            if unknown:
                keep(connection, unknown)
            move(connection, _name(log), upto)
        return upto < last

    def _follow_words(self) -> bool:
        """Count words about consent; by marks of their own, as they may be in a log that is counted already.

        Who is behind is counted first and alone, until all marks are one: they are apart in a database that an earlier
        version counted.
        """
        with self.engine.connect() as connection:
            marks = _marks(connection)
            last = int(connection.execute(text("SELECT max(position) FROM event")).scalar() or 0)
            after = min(marks.values())
            behind = [named for named, mark in marks.items() if mark == after]
            upto = min(last, after + _AT_ONCE, *(mark for mark in marks.values() if mark > after))
            if upto <= after:
                return False
            rows = words_told(connection, behind, after, upto)
        with writing(self.engine, _LOCK) as connection:
            if _marks(connection) != marks:
                return True
            if rows:
                add(connection, TALLIES, [dict.fromkeys(COUNTS, 0) | row for row in rows], COUNTS)
            for named in behind:
                if rows:
                    trim_words(connection, named)
                move(connection, _name(named.granted), upto)
        return upto < last


def _marks(connection: Connection) -> dict[Named, int]:
    return {named: offset(connection, _name(named.granted)) for named in (CHANNELS, PURPOSES)}


def _name(log: str) -> str:
    return f"activity of {log}"


def _row(log: str, row: dict[str, Any], lines: dict[tuple[int, str], tuple[int, int]]) -> dict[str, Any]:
    known, unknown = lines.get((row["hour"], row["type"]), (0, 0))
    return {**row, "log": log, "known_lines": known, "unknown_lines": unknown}
