"""Bought lines of everybody, from the history: what replenishment is fitted on and scored with."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.codes import Coded
from features.in_shards import in_shards
from features.purchases import last_day
from models.arrays import Codes, Ids
from models.time_to_event.lines import Lines
from training.codes import encoded, joined


def lines_of(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    work: Path | None = None,
    count: int | None = None,
) -> tuple[Lines, Ids]:
    """What had been bought and kept before `as_of`, oldest first, and the sorted ids of the customers in it.

    With `known_at`, only of events that had been received by then. It is read shard by shard: see `in_shards`.
    """
    shards = in_shards(history, identities, as_of, known_at, work, count)
    found = [seen.coded_purchases() for seen in shards]
    rows = pa.concat_tables([each.rows for each in found])
    order = np.lexsort((rows["position"].to_numpy(), rows["occurred_at"].to_numpy()))
    customers, customer_ids = _codes(found, "customer_id")
    products, product_ids = _codes(found, "product_id")
    rows = rows.take(pa.array(order))
    return _lines(
        customers[order], products[order], rows, product_ids, len(customer_ids), last_day(as_of)
    ), customer_ids


def to_lines(table: pa.Table, day: int) -> tuple[Lines, Ids]:
    """A table of `Visible.purchases` as lines until the end of `day`, and the sorted ids of its customers."""
    customers, customer_ids = encoded(table["customer_id"])
    products, product_ids = encoded(table["product_id"])
    return _lines(customers, products, table, product_ids, len(customer_ids), day), customer_ids


def _codes(found: Sequence[Coded], column: str) -> tuple[Codes, Ids]:
    return joined([(each.rows[column].to_numpy(), each.names[column]) for each in found])


def _lines(customers: Codes, products: Codes, table: pa.Table, product_ids: Ids, count: int, day: int) -> Lines:
    return Lines.of(
        customers,
        products,
        table["day"].to_numpy().astype(np.int32),
        _floats(table["quantity"]),
        _floats(table["price"]),
        product_ids,
        count,
        day,
    )


def _floats(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(pc.fill_null(column, np.nan).to_numpy(), np.float64)
