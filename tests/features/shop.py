"""A small shop whose events are written down in a line each, and its history on disk."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import msgspec
import pyarrow as pa

from features.database import open_database
from features.events import Body, Line
from features.history import compact
from features.log import EVENTS, Log, Record, microseconds

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count()


def day(number: float) -> datetime:
    """The moment `number` days after the shop opened."""
    return START + timedelta(days=number)


def happened(
    kind: str,
    who: str,
    at: float,
    *products: str | tuple[str, float, str],
    order: str | None = None,
    received: float | None = None,
) -> Record:
    """An event of the customer `who`; a product is an id or (id, quantity, price).

    `?x` is the anonymous visitor x, `u?x` the customer u on the device of x, and the empty text nobody.
    """
    user, _, device = who.partition("?")
    lines = tuple(
        Line(product_id=product)
        if isinstance(product, str)
        else Line(product_id=product[0], quantity=product[1], price=Decimal(product[2]))
        for product in products
    )
    return Record(
        key=f"message-{next(_numbers)}",
        type=kind,
        occurred_at=microseconds(day(at)),
        received_at=microseconds(day(at if received is None else received)),
        user_id=user or None,
        anonymous_id=device or None,
        payload=msgspec.json.encode(Body(lines=lines, order_id=order)).decode(),
    )


def bought(who: str, at: float, order: str, *products: str | tuple[str, float, str]) -> Record:
    """A completed order."""
    return happened("order_completed", who, at, *products, order=order)


def log_of(records: Sequence[Record]) -> Log:
    """A log in memory that holds `records`."""
    log = Log(open_database("sqlite://"), EVENTS)
    log.append(records)
    return log


def history_of(folder: Path, records: Sequence[Record], buckets: int = 4) -> Path:
    """The history of `records` in `folder`."""
    log = log_of(records)
    compact(log, folder, buckets)
    log.engine.dispose()
    return folder


def merged(*links: tuple[str, str, str]) -> pa.Table:
    """An identity table of (kind, id, customer_id)."""
    kinds, ids, customers = zip(*links, strict=True)
    return pa.table({"kind": kinds, "id": ids, "customer_id": customers})
