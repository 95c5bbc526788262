"""Accepted rows assembled into events: the rows of an order are one event, every other row is one of its own.

The events do not depend on the order of the rows. Their keys are given as `message_id`, or made of what the rows say.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import starmap

import duckdb

from features.log import Record
from pipelines.event_rows import BODY, Staged
from pipelines.json_sql import decimal_json, json_object

_BATCH = 50_000
_UNIT = "\x1f"


def assemble(connection: duckdb.DuckDBPyConnection, staged: Staged) -> int:
    """Make the table `event` of the accepted rows of `staged`, by time; returns how many events there are.

    An order has its lines sorted, the time of its earliest row, and of other fields the greatest that a row tells. By
    time, because keys begin with it, and neighbours in an index are written faster.
    """
    body = [name for name in staged.columns if name in BODY]
    in_order = [name for name in body if name != "recommendation_id"]  # there each line has its own
    bought = _line("recommendation_id" in body)
    viewed = f"CASE WHEN product_id IS NOT NULL THEN '[' || {_line(False)} || ']' END"
    connection.execute(f"""
        CREATE TABLE event AS
        WITH accepted AS (SELECT * FROM staged WHERE reason IS NULL),
        single AS (
            SELECT message_id, type, occurred_at, user_id, anonymous_id,
                {json_object({"lines": viewed} | {name: _json(name, name) for name in body})} AS payload
            FROM accepted WHERE type <> 'order_completed'
        ),
        numbered AS (
            SELECT *, concat_ws('{_UNIT}', type, coalesce(user_id, ''), coalesce(anonymous_id, ''), payload) AS content,
                row_number() OVER (PARTITION BY message_id, occurred_at, content) AS nth
            FROM single
        ),
        purchase AS (
            SELECT min(occurred_at) AS occurred_at, max(user_id) AS user_id, min(anonymous_id) AS anonymous_id,
                if(count(message_id) = count(*) AND min(message_id) = max(message_id), min(message_id), NULL) AS key,
                order_id AS id,
                {json_object(_purchase(bought) | {name: _json(name, f"max({name})") for name in in_order})} AS payload
            FROM accepted WHERE type = 'order_completed' GROUP BY accepted.order_id
        )
        SELECT coalesce(message_id, 'row-' || to_hex(occurred_at) || '-' || left(md5(content), 16)
                || if(nth > 1, '-' || nth, '')) AS key,
            type, occurred_at, user_id, anonymous_id, payload
        FROM numbered
        UNION ALL
        SELECT coalesce(key, 'order_completed:' || id), 'order_completed', occurred_at, user_id, anonymous_id, payload
        FROM purchase
        ORDER BY occurred_at, key, payload
    """)
    ((count,),) = connection.execute("SELECT count(*) FROM event").fetchall()
    return int(count)


def records(connection: duckdb.DuckDBPyConnection, received_at: int) -> Iterator[list[Record]]:
    """The table `event` in batches, as the log takes it; `received_at` in microseconds."""
    columns = f"key, type, occurred_at, {received_at} AS received_at, user_id, anonymous_id, payload"
    result = connection.execute(f"SELECT {columns} FROM event")
    while rows := result.fetchmany(_BATCH):
        yield list(starmap(Record, rows))


def _line(with_recommendation: bool) -> str:
    fields = {
        "product_id": "to_json(product_id)",
        "quantity": "if(quantity <> 1, quantity, NULL)",
        "price": decimal_json("price"),
    }
    return json_object(fields | ({"recommendation_id": "to_json(recommendation_id)"} if with_recommendation else {}))


def _purchase(line: str) -> dict[str, str]:
    return {"lines": f"'[' || string_agg({line}, ',' ORDER BY {line}) || ']'"}


def _json(name: str, value: str) -> str:
    kind = BODY[name]
    return f"to_json({value})" if kind is str else decimal_json(value) if kind is Decimal else value
