"""A made history as the log that it is the compaction of, filled in bulk, as that is not what is measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Engine

from features.database import writing_by_driver
from features.history import FILES
from features.log import EVENTS

_BATCH = 100_000
_COLUMNS = "position, key, type, occurred_at, received_at, user_id, anonymous_id, payload"
_EVENTS = """
    WITH line AS (
        SELECT *, '{"product_id":"' || product_id || '","quantity":' || quantity::varchar
            || coalesce(',"price":"' || price::varchar || '"', '') || '}' AS told
        FROM read_parquet($files, hive_partitioning = false)
    ), event AS (
        SELECT position, any_value(type) AS type, epoch_us(any_value(occurred_at)) AS occurred_at,
            epoch_us(any_value(received_at)) AS received_at, any_value(user_id) AS user_id,
            any_value(anonymous_id) AS anonymous_id, any_value(order_id) AS order_id,
            any_value(currency) AS currency, coalesce(string_agg(told, ',' ORDER BY line), '') AS lines
        FROM line GROUP BY position
    )
    SELECT position, occurred_at::varchar || '-' || position::varchar, type, occurred_at, received_at, user_id,
        anonymous_id, '{"lines":[' || lines || ']' || coalesce(',"order_id":"' || order_id || '"', '')
            || coalesce(',"currency":"' || currency || '"', '') || '}'
    FROM event ORDER BY position
"""
"""What `msgspec` would write of the body of each event; ids of made shops need no escape."""


def fill(engine: Engine, history: Path) -> int:
    """Write all events of `history` into the empty log of SQLite; returns how many.

    Indexes of persons are made at the end: to put each of 100 M rows into its place would take hours.
    """
    for index in EVENTS.indexes:
        index.drop(engine)
    written = 0
    marks = ", ".join("?" * (_COLUMNS.count(",") + 1))
    for rows in _rows(history):
        with writing_by_driver(engine, lock=0) as cursor:
            cursor.executemany(f"INSERT INTO {EVENTS.name} ({_COLUMNS}) VALUES ({marks})", rows)
        written += len(rows)
    for index in EVENTS.indexes:
        index.create(engine)
    return written


def _rows(history: Path) -> Iterator[list[tuple[Any, ...]]]:
    """In order of position; a file is named after the positions of its week."""
    weeks: dict[str, list[str]] = {}
    for path in history.glob(FILES):
        weeks.setdefault(path.name, []).append(str(path))
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for name in sorted(weeks):
            found = connection.execute(_EVENTS, {"files": weeks[name]})
            while rows := found.fetchmany(_BATCH):
                yield rows
