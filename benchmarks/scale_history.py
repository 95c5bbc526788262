"""A made shop on disk, as the history that compaction leaves, without the log.

The history is that of a shop that compacts once a week: what was received in a week is one range of positions, and late
events are in further files of earlier days.
"""

import hashlib
import zlib
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.scale_shop import (
    ADDED,
    ANONYMOUS,
    DAYS,
    DEVICES,
    LOGGED_IN,
    ORDERED,
    SERVER,
    START,
    TYPES,
    VIEWED,
    WEEKS,
    Rows,
    Shop,
)
from features.history_rows import HASH, SCHEMA
from features.log import moment
from features.person import default_customer

AS_OF = moment(START) + timedelta(days=DAYS)
_DAY = 86_400_000_000
_CURRENCY = "EUR"


@dataclass(frozen=True)
class Made:
    """What was written: how many of each, and how many bytes of Parquet."""

    events: int
    lines: int
    customers: int
    products: int
    buckets: int
    bytes: int


@dataclass(frozen=True)
class Names:
    """Ids as text and prices, by code, and the bucket of each customer's and each device's own id."""

    users: pa.Array
    devices: pa.Array
    products: pa.Array
    prices: pa.Array
    bucket_of_user: NDArray[np.int64]
    bucket_of_device: NDArray[np.int64]

    @staticmethod
    def of(shop: Shop, buckets: int) -> "Names":
        """Those of everybody and everything in `shop`."""
        users = [f"u{code}" for code in range(shop.customers)]
        devices = [_device(code) for code in range(shop.customers * DEVICES)]
        return Names(
            pa.array(users),
            pa.array(devices),
            pa.array([f"p{code:06d}" for code in range(shop.products)]),
            pa.array([Decimal(cents) / 100 for cents in shop.prices.tolist()], SCHEMA.field("price").type),
            np.fromiter((zlib.crc32(id_.encode()) % buckets for id_ in users), np.int64, len(users)),
            np.fromiter(
                (zlib.crc32(default_customer(None, id_).encode()) % buckets for id_ in devices), np.int64, len(devices)
            ),
        )


def write_history(shop: Shop, folder: Path, buckets: int, weeks: int = WEEKS) -> Made:
    """Write so many weeks of `shop` below `folder`: `history/`, `identities.parquet`, `made.json`."""
    names = Names.of(shop, buckets)
    linked = np.zeros(shop.customers * DEVICES, bool)
    position, lines, waiting = 0, 0, []
    for week in range(weeks):
        waiting.append(shop.week(week))
        rows = Rows.concat(waiting)
        both = rows.named == LOGGED_IN
        linked[rows.customer[both].astype(np.int64) * DEVICES + rows.device[both]] = True
        late = rows.received >= START + (week + 1) * 7 * _DAY
        waiting = [rows.take(late)] if week + 1 < weeks else []
        received = rows if week + 1 == weeks else rows.take(~late)
        position = _write_part(names, folder / "history", buckets, received, position)
        lines += len(received)
    state = {"buckets": buckets, "hash": HASH, "position": position, "writing": None}
    (folder / "history" / "state.json").write_bytes(msgspec.json.encode(state))
    pq.write_table(_identities(names, linked), folder / "identities.parquet")
    size = sum(path.stat().st_size for path in (folder / "history").glob("day=*/bucket=*/*.parquet"))
    made = Made(position, lines, shop.customers, shop.products, buckets, size)
    (folder / "made.json").write_bytes(msgspec.json.encode(asdict(made)))
    return made


def _write_part(names: Names, history: Path, buckets: int, rows: Rows, reached: int) -> int:
    """Append what was received in one go; returns the position of the last event."""
    order = np.lexsort((rows.line, rows.event, rows.received))
    rows = rows.take(order)
    positions = reached + np.cumsum(np.diff(rows.event, prepend=-1) != 0)
    device = rows.customer.astype(np.int64) * DEVICES + rows.device
    bucket = np.where(rows.named == ANONYMOUS, names.bucket_of_device[device], names.bucket_of_user[rows.customer])
    partition = rows.occurred // _DAY * buckets + bucket
    order = np.argsort(partition, kind="stable")
    table = _table(names, rows.take(order), positions[order])
    keys, starts = np.unique(partition[order], return_index=True)
    last = int(positions[-1])
    for key, start, end in zip(keys.tolist(), starts, [*starts[1:], len(table)], strict=True):
        day, bucket_ = divmod(key, buckets)
        path = history / f"day={np.datetime64(day, 'D')}" / f"bucket={bucket_:02d}"
        path.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table.slice(start, end - start), path / f"part-{reached + 1:012d}-{last:012d}.parquet", compression="zstd"
        )
    return last


def _table(names: Names, rows: Rows, positions: NDArray[np.int64]) -> pa.Table:
    device = rows.customer.astype(np.int64) * DEVICES + rows.device
    priced = np.isin(rows.type, (VIEWED, ADDED, ORDERED))
    orders = pc.binary_join_element_wise("o", pa.array(rows.order).cast(pa.string()), "")
    types = pa.DictionaryArray.from_arrays(pa.array(rows.type), pa.array(TYPES))
    columns = {
        "position": pa.array(positions),
        "line": pa.array(rows.line),
        "type": types.cast(pa.string()),
        "occurred_at": pa.array(rows.occurred).cast(SCHEMA.field("occurred_at").type),
        "received_at": pa.array(rows.received).cast(SCHEMA.field("received_at").type),
        "user_id": _known(names.users, rows.customer, rows.named != ANONYMOUS),
        "anonymous_id": _known(names.devices, device, rows.named != SERVER),
        "product_id": _known(names.products, rows.product, rows.product >= 0),
        "quantity": pa.array(rows.quantity.astype(np.float64), mask=rows.product < 0),
        "price": _known(names.prices, rows.product, priced),
        "currency": _known(pa.array([_CURRENCY]), np.zeros(len(rows), np.int8), priced),
        "order_id": pc.if_else(pa.array(rows.order >= 0), orders, pa.scalar(None, pa.string())),
    }
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _known(ids: pa.Array, codes: NDArray[np.integer[Any]], known: NDArray[np.bool_]) -> pa.Array:
    return ids.take(pa.array(codes, mask=~known))


def _identities(names: Names, linked: NDArray[np.bool_]) -> pa.Table:
    """Who logged in on which device, as `Identities.table` tells it: sorted by id."""
    device = np.flatnonzero(linked)
    table = pa.table(
        {
            "kind": pa.array(["anonymous"] * len(device), pa.string()),
            "id": names.devices.take(pa.array(device)),
            "customer_id": names.users.take(pa.array(device // DEVICES)),
        }
    )
    return table.sort_by("id")


def _device(code: int) -> str:
    """As browsers make them: nothing that two have in common."""
    return hashlib.blake2b(b"%d" % code, digest_size=16).hexdigest()
