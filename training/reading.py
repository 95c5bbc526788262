"""Interactions from the history as arrays, shard by shard: of ids as texts, those of one shard are in memory at a time.

A line with its texts takes some 400 bytes, in arrays 28, and many lines name few ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.codes import Coded
from features.in_shards import in_shards
from models.arrays import Codes, Floats, Ids
from models.recommenders.base import Interactions, days
from training.codes import joined

_BOUGHT = "order_completed"


@dataclass(frozen=True)
class Learned:
    """Interactions, oldest first, and the sorted ids of the customers that their codes point into."""

    data: Interactions
    customer_ids: Ids


@dataclass(frozen=True)
class Part:
    """Interactions of one shard: codes, each with the sorted texts of the shard that they point into.

    `orders` are -1 where nothing was bought; `positions` are those of the events in the log.
    """

    customers: tuple[Codes, pa.Array]
    items: tuple[Codes, pa.Array]
    orders: tuple[Codes, pa.Array]
    days: Floats
    weights: Floats
    positions: NDArray[np.int64]


def read(
    history: Path,
    identities: pa.Table,
    until: datetime,
    since: datetime | None = None,
    work: Path | None = None,
    count: int | None = None,
) -> Learned:
    """The interactions that occurred before `until`, and not before `since`; see `in_shards` for `work` and `count`."""
    shards = in_shards(history, identities, until, work=work, count=count)
    return put_together([part(seen.coded_interactions(since)) for seen in shards], days(until))


def part(found: Coded) -> Part:
    """What `Visible.coded_interactions` found in one shard, as arrays."""
    rows, names = found.rows, found.names
    customers, items, orders = (
        pc.fill_null(rows[name], -1).to_numpy() for name in ("customer_id", "product_id", "order_id")
    )
    bought = pc.equal(rows["type"], _BOUGHT).to_numpy(zero_copy_only=False)
    return Part(
        customers=(customers, names["customer_id"]),
        items=(items, names["product_id"]),
        orders=(np.where(bought, orders, np.int32(-1)), names["order_id"]),
        days=rows["day"].to_numpy(),
        weights=rows["weight"].to_numpy(),
        positions=rows["position"].to_numpy(),
    )


def put_together(parts: Sequence[Part], until: float) -> Learned:
    """The interactions of all shards before `until` (in days). Ids are sorted, so that ties by code are ties by id."""
    moments = np.concatenate([each.days for each in parts])
    order = np.lexsort((np.concatenate([each.positions for each in parts]), moments))
    customers, customer_ids = joined([each.customers for each in parts])
    items, item_ids = joined([each.items for each in parts])
    orders, _ = joined([each.orders for each in parts])
    data = Interactions(
        customers=customers[order],
        items=items[order],
        days=moments[order],
        weights=np.concatenate([each.weights for each in parts])[order],
        item_ids=item_ids,
        customer_count=len(customer_ids),
        until=until,
        orders=orders[order],
    )
    return Learned(data, customer_ids)
