"""The statements of a log that run most often, as text for the driver: SQLAlchemy's own way to it costs as much again
as SQLite needs to insert, and more than it needs to answer.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Engine, Table

from features.among import among
from features.database import insert_into

WRITTEN = ("key", "type", "occurred_at", "received_at", "user_id", "anonymous_id", "payload")
"""The columns of a row as it is written; its position is the database's."""

_AT_ONCE = (64, 16, 4, 1)
"""Rows of one statement: few lengths, so that SQLite has every one of them prepared."""


class Insert:
    """Writing rows of `WRITTEN` into a log; one whose key is there is passed over."""

    def __init__(self, engine: Engine, table: Table) -> None:
        insert = insert_into(table, engine.dialect.name).values(dict.fromkeys(WRITTEN))
        self._text = str(insert.on_conflict_do_nothing(index_elements=["key"]).compile(dialect=engine.dialect))
        self._positional = engine.dialect.positional

    def run(self, cursor: Any, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert `rows`; how many were new.

        On SQLite many in one statement: its driver lets other threads go first at every single one, and beside a thread
        that computes each return takes as long as that may keep the interpreter.
        """
        if not self._positional:
            cursor.executemany(self._text, [dict(zip(WRITTEN, row, strict=True)) for row in rows])
            return int(cursor.rowcount)
        start = written = 0
        while start < len(rows):
            count = next(size for size in _AT_ONCE if size <= len(rows) - start)
            some = tuple(chain.from_iterable(rows[start : start + count]))
            written += cursor.execute(_of_many(self._text, count), some).rowcount
            start += count
        return written


@lru_cache(maxsize=512)
def of_person(table: str, dialect: str, users: int, visitors: int, types: int, since: bool, before: bool) -> str:
    """The query of `Log.of_person` for so many ids and types; its columns are those of a `Record`."""
    integer = "?" if dialect == "sqlite" else "CAST(%s AS bigint)"
    own = [among(dialect, name, count) for name, count in (("user_id", users), ("anonymous_id", visitors)) if count]
    news = f'("position" > {integer}' + (f' OR "occurred_at" >= {integer})' if since else ")")
    wanted = [f"({' OR '.join(own)})", news, *([among(dialect, "type", types)] if types else [])]
    wanted += [f'"occurred_at" < {integer}'] if before else []
    columns = ", ".join(f'"{name}"' for name in (*WRITTEN, "position"))
    return f'SELECT {columns} FROM "{table}" WHERE {" AND ".join(wanted)} ORDER BY "position" DESC LIMIT {integer}'


@lru_cache(maxsize=64)
def _of_many(insert: str, count: int) -> str:
    """The statement that inserts one row by `?`, for so many."""
    before, row, after = re.split(r"(\(\?(?:, \?)*\))", insert, maxsplit=1)
    return f"{before}{', '.join([row] * count)}{after}"
