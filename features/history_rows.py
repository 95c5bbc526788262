"""Rows of the history out of records of the log: one row a line of an event, and the partition that it belongs to.

What repeats is worked out once a batch: many look at one product, and a visitor looks at many.
"""

import zlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import compress
from typing import TypeVar

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.history_source import Columns
from features.person import default_customer

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

_OF_EVENT = ("position", "type", "occurred_at", "received_at", "user_id", "anonymous_id")
HASH = "crc32"
_PRICE_LIMIT = Decimal(10) ** 14
_PRICE_STEP = Decimal("0.0001")
_MICROSECONDS_A_DAY = 86_400_000_000
_NULL = msgspec.Raw(b"null")
_NO_BODY = (msgspec.MsgspecError, RecursionError)

T = TypeVar("T", bound=Hashable)


class _Line(msgspec.Struct, frozen=True, gc=False):
    """Of a `Line` what the history keeps; the price as it is written, as most are read once a batch."""

    product_id: str
    quantity: float = 1.0
    price: msgspec.Raw = _NULL


class _Body(msgspec.Struct, frozen=True, gc=False):
    """Of a `Body` what the history keeps: to make all of its fields takes four times as long."""

    lines: tuple[_Line, ...] = ()
    order_id: str | None = None
    currency: str | None = None


class _Alias(msgspec.Struct, frozen=True, gc=False):
    """What an alias is about, so that one of which nothing can be known is told with what cannot be read."""

    previous_id: str | None = None


_body = msgspec.json.Decoder(_Body)
_alias = msgspec.json.Decoder(_Alias)
_price = msgspec.json.Decoder(Decimal | None)


def bucket_of(customer_id: str, buckets: int) -> int:
    """The bucket of a default customer id: CRC-32 of its UTF-8 bytes, modulo `buckets`.

    >>> bucket_of("u_81", 8)
    6
    """
    return zlib.crc32(customer_id.encode()) % buckets


@dataclass(frozen=True)
class Rows:
    """Rows in `SCHEMA`, and for each its `partition` as day since 1970 times the number of buckets plus bucket.

    Events at the positions `unreadable` have none: their payload is not an event's body.
    """

    table: pa.Table
    partition: NDArray[np.int64]
    unreadable: tuple[int, ...] = ()


def rows_of(events: Columns, buckets: int) -> Rows:
    """The rows of `events`. One that cannot be read is left out and named, as it must not stop all that follow."""
    try:
        for kind, payload in zip(events.type, events.payload, strict=True):
            if kind == "aliased":
                _alias.decode(payload)
        return _rows_of(events, buckets)
    except _NO_BODY:
        good = list(map(_is_body, events.type, events.payload))
        if all(good):
            raise
        kept = Columns(*(tuple(compress(getattr(events, one.name), good)) for one in fields(Columns)))
        passed = tuple(position for position, is_body in zip(events.position, good, strict=True) if not is_body)
        found = _rows_of(kept, buckets) if kept.position else Rows(SCHEMA.empty_table(), np.empty(0, np.int64))
        return replace(found, unreadable=passed)


def _rows_of(events: Columns, buckets: int) -> Rows:
    payloads, told = _distinct(events.payload)
    what, counts = _lines_of(payloads)
    rows = counts[told]
    event = np.repeat(np.arange(len(told)), rows)
    line = np.arange(len(event)) - np.repeat(np.cumsum(rows) - rows, rows)
    place = pa.array((np.cumsum(counts) - counts)[told][event] + line)
    whole = pa.table({name: pa.array(getattr(events, name), SCHEMA.field(name).type) for name in _OF_EVENT})
    columns = {**_named(whole.take(pa.array(event))), "line": pa.array(line, pa.int32()), **_named(what.take(place))}
    customers, who = _distinct(list(map(default_customer, events.user_id, events.anonymous_id)))
    bucket = np.array([bucket_of(customer, buckets) for customer in customers])[who]
    day = np.array(events.occurred_at) // _MICROSECONDS_A_DAY
    return Rows(pa.table({name: columns[name] for name in SCHEMA.names}, SCHEMA), (day * buckets + bucket)[event])


def _lines_of(payloads: Sequence[str]) -> tuple[pa.Table, NDArray[np.int64]]:
    """The lines of `payloads` one after the other, with what those of one share, and how many each has, 1 at least."""
    bodies = list(map(_body.decode, payloads))
    counts = np.array([max(len(body.lines), 1) for body in bodies])
    lines = [line for body in bodies for line in body.lines or (None,)]
    texts, priced = _distinct([bytes(line.price if line else _NULL) for line in lines])
    prices = pa.array([stored_price(_price.decode(text)) for text in texts], SCHEMA.field("price").type)
    body_of = pa.array(np.repeat(np.arange(len(bodies)), counts))
    return pa.table(
        {
            "product_id": pa.array([line and line.product_id for line in lines], pa.string()),
            "quantity": pa.array([line and line.quantity for line in lines], pa.float64()),
            "price": prices.take(pa.array(priced)),
            "currency": pa.array([body.currency for body in bodies], pa.string()).take(body_of),
            "order_id": pa.array([body.order_id for body in bodies], pa.string()).take(body_of),
        }
    ), counts


def _distinct(values: Sequence[T]) -> tuple[list[T], NDArray[np.int64]]:
    """Every value once, and for each of `values` its place among these."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(places), np.fromiter(map(places.__getitem__, values), np.int64, len(values))


def _named(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _is_body(kind: str, payload: str) -> bool:
    """Whether its lines can be read, and what an alias is about. Other fields stop nothing, and are not looked at."""
    try:
        if kind == "aliased":
            _alias.decode(payload)
        for line in _body.decode(payload).lines:
            _price.decode(line.price)
    except _NO_BODY:
        return False
    return True


def stored_price(price: Decimal | None) -> Decimal | None:
    """The price as the history keeps it: four digits behind the point, None where it is not a price."""
    if price is None or not price.is_finite() or price.copy_abs() >= _PRICE_LIMIT:
        return None
    rounded = price.quantize(_PRICE_STEP)
    return rounded if abs(rounded) < _PRICE_LIMIT else None
