"""Bought lines of everybody, from the history: what replenishment is fitted on and scored with."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.compute import visible
from features.purchases import last_day
from models.arrays import Ids
from models.time_to_event.lines import Lines
from training.codes import encoded


def lines_of(
    history: Path, identities: pa.Table, as_of: datetime, known_at: datetime | None = None
) -> tuple[Lines, Ids]:
    """What had been bought and kept before `as_of`, and the sorted ids of the customers in it.

    With `known_at`, only of events that had been received by then: see `features.compute.visible`.
    """
    with visible(history, identities, as_of, known_at) as seen:
        return to_lines(seen.purchases(), last_day(as_of))


def to_lines(table: pa.Table, day: int) -> tuple[Lines, Ids]:
    """A table of `Visible.purchases` as lines until the end of `day`, and the sorted ids of its customers."""
    customers, customer_ids = encoded(table["customer_id"])
    products, product_ids = encoded(table["product_id"])
    lines = Lines.of(
        customers,
        products,
        table["day"].to_numpy().astype(np.int32),
        _floats(table["quantity"]),
        _floats(table["price"]),
        product_ids,
        len(customer_ids),
        day,
    )
    return lines, customer_ids


def _floats(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(pc.fill_null(column, np.nan).to_numpy(), np.float64)
