"""Rows of the history out of records of the log: one row a line of an event, and the partition that it belongs to."""

import zlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.events import Body
from features.identity import default_customer
from features.log import Record

SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("line", pa.int32()),
        ("type", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("received_at", pa.timestamp("us", "UTC")),
        ("user_id", pa.string()),
        ("anonymous_id", pa.string()),
        ("product_id", pa.string()),
        ("quantity", pa.float64()),
        ("price", pa.decimal128(18, 4)),
        ("currency", pa.string()),
        ("order_id", pa.string()),
    ]
)
"""One row a line of an event; an event without lines is one row whose product_id is null."""

HASH = "crc32"
_PRICE_LIMIT = Decimal(10) ** 14
_PRICE_STEP = Decimal("0.0001")
_MICROSECONDS_A_DAY = 86_400_000_000


def bucket_of(customer_id: str, buckets: int) -> int:
    """The bucket of a default customer id: CRC-32 of its UTF-8 bytes, modulo `buckets`.

    >>> bucket_of("u_81", 8)
    6
    """
    return zlib.crc32(customer_id.encode()) % buckets


def rows_of(records: Sequence[Record], buckets: int) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows of `records` in `SCHEMA`, and for each its partition as day since 1970 times `buckets` plus bucket."""
    bodies = [_body(record) for record in records]
    counts = np.array([max(len(body.lines), 1) for body in bodies])
    event = np.repeat(np.arange(len(records)), counts)
    lines = [line for body in bodies for line in body.lines or (None,)]
    of_event = pa.table(
        {
            "position": [record.position for record in records],
            "type": [record.type for record in records],
            "occurred_at": pa.array([record.occurred_at for record in records], pa.timestamp("us", "UTC")),
            "received_at": pa.array([record.received_at for record in records], pa.timestamp("us", "UTC")),
            "user_id": pa.array([record.user_id for record in records], pa.string()),
            "anonymous_id": pa.array([record.anonymous_id for record in records], pa.string()),
            "currency": pa.array([body.currency for body in bodies], pa.string()),
            "order_id": pa.array([body.order_id for body in bodies], pa.string()),
        }
    ).take(pa.array(event))
    of_line = {
        "line": pa.array(np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts), pa.int32()),
        "product_id": pa.array([line and line.product_id for line in lines], pa.string()),
        "quantity": pa.array([line and line.quantity for line in lines], pa.float64()),
        "price": pa.array([line and stored_price(line.price) for line in lines], pa.decimal128(18, 4)),
    }
    for name, values in of_line.items():
        of_event = of_event.append_column(name, values)
    day = np.array([record.occurred_at for record in records]) // _MICROSECONDS_A_DAY
    bucket = np.array([bucket_of(default_customer(record.user_id, record.anonymous_id), buckets) for record in records])
    return of_event.select(SCHEMA.names).cast(SCHEMA), (day * buckets + bucket)[event]


def _body(record: Record) -> Body:
    try:
        return msgspec.json.decode(record.payload, type=Body)
    except msgspec.MsgspecError as error:
        raise ValueError(
            f"the payload at position {record.position} of the event log is not an event's body ({error}); "
            "correct or erase that record, then compact again"
        ) from error


def stored_price(price: Decimal | None) -> Decimal | None:
    """The price as the history keeps it: four digits behind the point, None where it is not a price."""
    if price is None or not price.is_finite() or abs(price) >= _PRICE_LIMIT:
        return None
    rounded = price.quantize(_PRICE_STEP)
    return rounded if abs(rounded) < _PRICE_LIMIT else None
