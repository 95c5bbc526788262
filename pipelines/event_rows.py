"""Rows of a file, read and checked: each becomes a row of the table `staged`, parsed, or with the reason why not.

One row is one line of an event, in the columns that `docs/event-schema.md` documents. Every check is SQL over a chunk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import get_args, get_type_hints

import duckdb

from features.events import CONSENTS, EVENT_TYPES, Body
from features.fields import MAX_ID_LENGTH, MAX_TEXT_LENGTH
from features.log import microseconds
from pipelines.files import File
from pipelines.json_sql import json_object
from pipelines.presets.base import Projection
from pipelines.tabular import Chunk, read_chunks
from pipelines.text_rows import LINE

Progress = Callable[[int, int | None], None]

BODY: dict[str, type] = {
    name: next(iter(get_args(kind)), kind) for name, kind in get_type_hints(Body).items() if name != "lines"
}
"""The columns that go into the body of an event, with the types that they have there."""

COLUMNS = ("type", "occurred_at", "user_id", "anonymous_id", "message_id", "product_id", "quantity", "price", *BODY)
"""Every column that a file may have; others are ignored."""

TWO_CUSTOMERS = "order with two customers"
TWO_CURRENCIES = "order with two currencies"

_SQL_TYPES = {str: "VARCHAR", Decimal: "DECIMAL(18, 4)", int: "INTEGER", float: "DOUBLE", bool: "BOOLEAN"}
_TYPES = {"occurred_at": "BIGINT", "quantity": "DOUBLE", "price": _SQL_TYPES[Decimal]}
_TYPES |= {name: _SQL_TYPES[kind] for name, kind in BODY.items()}
_TEXTS = [name for name in COLUMNS if _TYPES.get(name, "VARCHAR") == "VARCHAR" and name != "type"]
_IDS = [name for name in _TEXTS if name.endswith("_id")]
_NUMBERS = [name for name in COLUMNS if name not in _TEXTS and name not in ("type", "occurred_at")]


class MissingColumns(ValueError):
    """A file without a column that every row needs."""


@dataclass(frozen=True)
class Staged:
    """What stands in `staged`: how many rows the file had, and which of `COLUMNS` it has (of no rows: none)."""

    rows: int
    columns: tuple[str, ...]


def stage(
    connection: duckdb.DuckDBPyConnection,
    path: File,
    at: datetime,
    preset: Projection | None = None,
    encoding: str = "utf-8",
    future_tolerance: timedelta = timedelta(minutes=5),
    progress: Progress | None = None,
) -> Staged:
    """Read the file into the table `staged`: line, reason, raw, and `COLUMNS` parsed, times in microseconds.

    `at` is now: what lies further than `future_tolerance` ahead is rejected. Raises MissingColumns when
    every row would be rejected for want of one.
    """
    connection.execute("CREATE TABLE event_name (written VARCHAR, name VARCHAR)")
    connection.executemany("INSERT INTO event_name VALUES (?, ?)", _event_names())
    rows = 0
    projection: Mapping[str, str] = {}
    for chunk in read_chunks(connection, path, encoding, preset.needs if preset else COLUMNS):
        projection = project(chunk, path, preset)
        types = ", ".join(f"{name} {_TYPES.get(name, 'VARCHAR')}" for name in _kept(projection))
        connection.execute(f"CREATE TABLE IF NOT EXISTS staged (line BIGINT, reason VARCHAR, raw VARCHAR, {types})")
        connection.execute(_insert(projection, latest=microseconds(at + future_tolerance)))
        if chunk.bad:
            bad = [(line.line, line.reason, line.text) for line in chunk.bad]
            connection.executemany("INSERT INTO staged (line, reason, raw) VALUES (?, ?, ?)", bad)
        rows += chunk.rows + len(chunk.bad)
        if progress is not None:
            progress(rows, chunk.total)
    _reject_torn_orders(connection, _kept(projection))
    return Staged(rows, tuple(projection))


def project(chunk: Chunk, path: File, preset: Projection | None) -> Mapping[str, str]:
    """SQL over the columns of this file for each of `COLUMNS` that it has."""
    there = {name.lower(): name for name in chunk.columns}
    if preset is not None:
        lacking = [name for name in preset.needs if name.lower() not in there]
        projection = preset.columns
    else:
        projection = {name: f'"{there[name]}"' for name in COLUMNS if name in there}
        lacking = [name for name in ("type", "occurred_at") if name not in there]
        if not {"user_id", "anonymous_id"} & set(there):
            lacking.append("user_id or anonymous_id")
    if lacking and chunk.columns:
        raise MissingColumns(
            f"{path} lacks the columns {', '.join(lacking)}; found: {', '.join(chunk.columns)}. "
            "docs/event-schema.md lists the columns, and the presets that translate publishers' files"
        )
    return projection


def _event_names() -> list[tuple[str, str]]:
    """What a type may be called in a file, and what it is called here; the case and `_`, `-` or space do not matter."""
    kinds = EVENT_TYPES.values()
    return sorted({(name.lower().replace(" ", "_"), kind.name) for kind in kinds for name in (kind.name, kind.segment)})


def _kept(projection: Mapping[str, str]) -> list[str]:
    """The columns of `staged`: those that the file has, and those that every event is made of."""
    return [name for name in COLUMNS if name in projection or name not in BODY or name in ("order_id", "currency")]


def _insert(projection: Mapping[str, str], latest: int) -> str:
    """SQL from the view `raw` to `staged`. While a row is read, `x_` is the text of the column `x`."""
    texts = ", ".join(
        f"nullif(trim(CAST({projection.get(name, 'NULL')} AS VARCHAR)), '') AS {name}_" for name in COLUMNS
    )
    parsed = {name: f"{name}_" for name in _TEXTS}
    parsed |= {name: _number(name) for name in _NUMBERS}
    parsed |= {"type": "event_name.name", "occurred_at": _microseconds("occurred_at_"), "currency": "upper(currency_)"}
    reasons = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, condition in _reasons(latest).items())
    raw = json_object({name: f"to_json({name}_)" for name in projection})
    return f"""
        INSERT INTO staged BY NAME
        WITH written AS (SELECT {LINE} AS line, {texts} FROM raw),
        parsed AS (
            SELECT line, {", ".join(f"{name}_" for name in COLUMNS)},
                {", ".join(f"{sql} AS {name}" for name, sql in parsed.items())}
            FROM written LEFT JOIN event_name ON event_name.written = replace(replace(lower(type_), ' ', '_'), '-', '_')
        ),
        checked AS (SELECT *, CASE {reasons} END AS reason FROM parsed)
        SELECT line, reason, CASE WHEN reason IS NOT NULL THEN {raw} END AS raw, {", ".join(_kept(projection))}
        FROM checked
    """


def _reasons(latest: int) -> dict[str, str]:
    """Why a row is rejected, and the SQL that finds out; the first that holds is told."""
    needy: dict[str, list[str]] = {}
    for kind in EVENT_TYPES.values():
        for field in kind.requires:
            needy.setdefault("product_id" if field == "lines" else field, []).append(f"'{kind.name}'")
    lacking = {f"no {name}": f"{name} IS NULL AND type IN ({', '.join(types)})" for name, types in needy.items()}
    unreadable = {f"unreadable {name}": f"{name}_ IS NOT NULL AND {name} IS NULL" for name in _NUMBERS}
    longest = {f"greatest({', '.join(f'length({name})' for name in names)})": names for names in (_IDS, _TEXTS)}
    ids, texts = longest
    return {
        "unknown type": "type IS NULL",
        "no customer id": "user_id IS NULL AND anonymous_id IS NULL",
        "no time": "occurred_at_ IS NULL",
        "unreadable time": "occurred_at IS NULL",
        "time in the future": f"occurred_at > {latest}",
        "time before 1970": "occurred_at < 0",
        **lacking,
        **unreadable,
        "quantity zero or negative": "quantity <= 0",
        "quantity above 1e9": "quantity > 1e9",
        "negative price": "price < 0",
        "unreadable currency": "NOT regexp_full_match(currency, '[A-Z]{3}')",
        "unknown consent": f"type = 'consent_changed' AND consent NOT IN {CONSENTS}",
        f"id over {MAX_ID_LENGTH} characters": f"{ids} > {MAX_ID_LENGTH}",
        f"text over {MAX_TEXT_LENGTH} characters": f"{texts} > {MAX_TEXT_LENGTH}",
        "NUL character": f"contains(concat({', '.join(_TEXTS)}), chr(0))",
    }


def _number(name: str) -> str:
    if _TYPES[name] == "DOUBLE":
        return f"CASE WHEN isfinite(TRY_CAST({name}_ AS DOUBLE)) THEN TRY_CAST({name}_ AS DOUBLE) END"
    return f"TRY_CAST({name}_ AS {_TYPES[name]})"


def _microseconds(text: str) -> str:
    """SQL for a time as ISO 8601 (UTC without an offset) or as seconds, milliseconds or microseconds since 1970.

    The ranges of the numbers end where a date such as 20170101 could be meant.
    """
    units = {1_000_000: (1e8, 1e10), 1_000: (1e12, 1e13), 1: (1e15, 1e16)}
    number = f"TRY_CAST({text} AS DOUBLE)"
    cases = " ".join(
        f"WHEN {number} >= {low} AND {number} < {high} THEN CAST(round({number} * {unit}) AS BIGINT)"
        for unit, (low, high) in units.items()
    )
    return f"""coalesce(
        epoch_us(TRY_CAST(CASE WHEN {text}[1] BETWEEN '0' AND '9' THEN {text} END AS TIMESTAMPTZ)), CASE {cases} END
    )"""


def _reject_torn_orders(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Orders whose rows contradict each other: nobody can say which of them is right."""
    raw = json_object({name: f"to_json(CAST({name} AS VARCHAR))" for name in columns if name != "occurred_at"})
    two_customers = "count(DISTINCT user_id) > 1 OR (count(user_id) = 0 AND count(DISTINCT anonymous_id) > 1)"
    for reason, torn in {TWO_CUSTOMERS: two_customers, TWO_CURRENCIES: "count(DISTINCT currency) > 1"}.items():
        orders = "FROM staged WHERE reason IS NULL AND type = 'order_completed'"
        connection.execute(f"""
            UPDATE staged SET reason = '{reason}', raw = {raw}
            WHERE reason IS NULL AND type = 'order_completed'
                AND order_id IN (SELECT order_id {orders} GROUP BY order_id HAVING {torn})
        """)
