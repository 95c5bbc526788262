"""What lies in the online store after our writer is what Feast's SDK leaves there, byte for byte, in both stores."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from features.compute import NOBODY
from features.definitions import CUSTOMER_VIEWS, RECENT_VIEW
from features.log import microseconds
from features.online_writes import OnlineWriter, writer_of
from features.snapshots import build, newest
from features.store import apply, open_store, write_rows
from tests.features.shop import bought, day, happened, history_of
from tests.valkeys import address_of, valkey_server

SCHEMA = pa.schema(
    [("customer_id", pa.string()), *((name, pa.timestamp("us", "UTC")) for name in ("event_timestamp", "created"))]
)


def customers(folder: Path) -> pa.Table:
    """Lists of products, customers without orders, and ids that are no ASCII, as `build` leaves them."""
    events = [
        *(bought("u1", 1 + number / 7, f"o{number}", ("milk", 2, "1.50"), ("ü/🛒", 1, "3.00")) for number in range(30)),
        bought("ключ's", 5.000_001, "other", ("milk", 1, "2.00")),
        happened("product_viewed", "?a", 6, "tea"),
        bought("u2", 7, "o-3", "milk"),
        happened("order_cancelled", "u2", 8, order="o-3"),
    ]
    build(history_of(folder / "history", events), NOBODY, folder, day(10))
    return pq.read_table(newest(folder, "customer"))


def restock(at: datetime) -> pa.Table:
    """What is true, false, not known and not a number."""
    count = 4
    columns: dict[str, Any] = {
        "customer_id": ["u1", "u2", "", "x" * 300],
        "event_timestamp": [at] * count,
        "created": [day(11)] * count,
        "repurchase_probability_28d": [0.25, float("nan"), None, -0.0],
        "is_overdue": [True, False, None, True],
        "groups_due_7d": [0, -3, None, 2**40],
        "next_order_days": [1e-9, float("inf"), 84.0, None],
        "log_position": [7] * count,
        "as_of_us": [microseconds(at)] * count,
        "created_us": [microseconds(day(11))] * count,
    }
    return pa.table(columns, pa.schema([pa.field(name, KINDS.get(name, pa.int64())) for name in columns]))


KINDS = {
    **{field.name: field.type for field in SCHEMA},
    "repurchase_probability_28d": pa.float64(),
    "is_overdue": pa.bool_(),
    "next_order_days": pa.float64(),
}


@contextmanager
def opened(folder: Path, kind: str) -> Iterator[FeatureStore]:
    if kind == "sqlite":
        yield applied(open_store(folder, "sqlite"))
        return
    with valkey_server() as server:
        yield applied(open_store(folder, address_of(server)))


def applied(store: FeatureStore) -> FeatureStore:
    apply(store)
    return store


def content(store: FeatureStore) -> Any:
    """All that lies in the store."""
    if store.config.online_store.type == "sqlite":
        with closing(sqlite3.connect(store.config.online_store.path)) as connection:
            return {
                view: sorted(connection.execute(f'SELECT * FROM "kairos_{view}"').fetchall()) for view in CUSTOMER_VIEWS
            }
    provider: Any = store._get_provider()
    client = provider.online_store._get_client(store.config.online_store)
    return {key: client.hgetall(key) for key in client.scan_iter()}


class Sdk:
    """As the SDK writes."""

    def __init__(self, store: FeatureStore) -> None:
        self.store = store

    def write(self, view: str, rows: pa.RecordBatch) -> None:
        write_rows(self.store, view, pa.Table.from_batches([rows]))


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
def test_our_writer_leaves_the_bytes_of_the_sdk(kind: str, tmp_path: Path) -> None:
    tables = [("customer", customers(tmp_path / "made")), ("customer_restock", restock(day(10.5)))]
    recent = {"recent_events": ["[]", None], "recent_position": [3, 4], "recent_after": [1, None]}
    moments = {"customer_id": ["u1", "u2"], "event_timestamp": [day(10)] * 2, "created": [day(10)] * 2}
    told = pa.table({**moments, **recent}).cast(
        pa.schema(
            [*SCHEMA, ("recent_events", pa.string()), ("recent_position", pa.int64()), ("recent_after", pa.int64())]
        )
    )
    whole = {"recent_since_us": [5, 6], "as_of_us": [1, 2], "created_us": [3, 4]}
    for name, values in whole.items():
        told = told.append_column(name, pa.array(values, pa.int64()))
    tables.append((RECENT_VIEW, told))
    found = []
    for name, made in (("ours", writer_of), ("sdk", Sdk)):
        with opened(tmp_path / name, kind) as store:
            writer: OnlineWriter = made(store)
            for view, table in tables:
                writer.write(view, table.combine_chunks().to_batches()[0])
            # an older row of everybody, which Redis leaves aside, and a newer one of some
            writer.write("customer_restock", restock(day(9)).to_batches()[0])
            writer.write("customer_restock", restock(day(12)).slice(1, 2).to_batches()[0])
            found.append(content(store))
    assert found[0] == found[1]
    assert np.sum([len(rows) for rows in found[0].values()]) > 20, "there is something to compare"


def test_what_a_batch_does_not_name_is_not_known(tmp_path: Path) -> None:
    """The watermark has no features; the row that stood there before loses them too."""
    table = restock(day(10.5)).slice(0, 1)
    bare = table.select(["customer_id", "event_timestamp", "created", "log_position"])
    found = []
    for name, rows in (
        ("bare", bare),
        ("nulls", pa.concat_tables([bare, table.slice(0, 0)], promote_options="default")),
    ):
        with opened(tmp_path / name, "sqlite") as store:
            for written in (table, rows):
                writer_of(store).write("customer_restock", written.combine_chunks().to_batches()[0])
            found.append(content(store)["customer_restock"])
    assert found[0]
    assert found[0] == found[1]
