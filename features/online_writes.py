"""Feast's online rows written as its SDK writes them, without the SDK: the same bytes for less than half of the CPU.

The SDK goes through pandas, makes messages of every key and value, checks each and asks the store row by row. Here a
column is encoded at once and a batch written by one statement. The layout is Feast's and pinned with its version; a
test compares all that lies in a store after either, on SQLite and on Valkey.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from math import isnan
from typing import Any, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureStore
from feast.infra.online_stores.helpers import _mmh3
from feast.infra.online_stores.sqlite import adapt_datetime_epoch
from feast.protos.feast.types.Value_pb2 import DoubleList, StringList, Value
from feast.types import Array, Bool, FeastType, Float64, Int64, String
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from features.definitions import CUSTOMER_VIEWS
from features.in_order import in_order
from features.newer_rows import client_of
from features.online_rows import entity_key

_WAIT = 30.0
"""Seconds that a batch waits for another writer, which holds SQLite for a batch of its own."""

_EMPTY = Value().SerializeToString()

_ENCODINGS: dict[FeastType, Callable[[Any], Value]] = {
    Float64: lambda value: Value(double_val=value),
    Int64: lambda value: Value(int64_val=value),
    Bool: lambda value: Value(bool_val=value),
    String: lambda value: Value(string_val=value),
    Array(Float64): lambda value: Value(double_list_val=DoubleList(val=value)),
    Array(String): lambda value: Value(string_list_val=StringList(val=value)),
}


class OnlineWriter(Protocol):
    """Writes rows of a view of customers; one process at a time."""

    def batches(self, table: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
        """A table of customers in batches of roughly so many rows, in the order in which they are written best."""
        ...

    def write(self, view: str, rows: pa.RecordBatch) -> None:
        """Put them online, over older ones; a feature without a column is not known. Raises what the store raises."""
        ...


def writer_of(store: FeatureStore) -> OnlineWriter:
    """For the rows of `store`, which is on SQLite or on Redis."""
    return _SQLite(store) if store.config.online_store.type == "sqlite" else _Redis(store)


class _SQLite:
    """A table a view, a row a feature, whose value stands there once more as text."""

    def __init__(self, store: FeatureStore) -> None:
        self.path = str(store.config.online_store.path)
        self.project = store.config.project

    def batches(self, table: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
        return in_order(table, "customer_id", rows)

    def write(self, view: str, rows: pa.RecordBatch) -> None:
        keys = [entity_key(id_) for id_ in rows["customer_id"].to_pylist()]
        of, made = ([_stored(moment) for moment in rows[name].to_pylist()] for name in ("event_timestamp", "created"))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        statement = (
            f'INSERT INTO "{self.project}_{view}" (entity_key, feature_name, value, value_text, event_ts, created_ts) '
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (entity_key, feature_name) DO UPDATE SET value = excluded.value, "
            "value_text = excluded.value_text, event_ts = excluded.event_ts, created_ts = excluded.created_ts"
        )
        columns = [(name, _encoded(rows, name, kind), _texts(rows, name, kind)) for name, kind in _fields(view)]
        told = (
            (keys[row], name, values[row], texts[row], of[row], made[row])
            for row in order
            for name, values, texts in columns
        )
        with closing(sqlite3.connect(self.path, timeout=_WAIT)) as connection, connection:
            connection.executemany(statement, told)


class _Redis:
    """A hash a customer, a field a feature of a view, and one that says when the row is of: older rows stay out."""

    def __init__(self, store: FeatureStore) -> None:
        self.store = store

    def batches(self, table: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
        return cast(Iterator[pa.RecordBatch], table.iter_batches(rows))

    def write(self, view: str, rows: pa.RecordBatch) -> None:
        config = self.store.config
        since = f"_ts:{view}"
        keys = [entity_key(id_) + config.project.encode() for id_ in rows["customer_id"].to_pylist()]
        columns = [(_mmh3(f"{view}:{name}"), _encoded(rows, name, kind)) for name, kind in _fields(view)]
        with client_of(self.store).pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hget(key, since)
            before = pipe.execute()
            for row, (key, moment) in enumerate(zip(keys, rows["event_timestamp"].to_pylist(), strict=True)):
                of = Timestamp()
                of.FromDatetime(moment)
                if before[row] is None or Timestamp.FromString(before[row]).ToNanoseconds() < of.ToNanoseconds():
                    told = {field: values[row] for field, values in columns}
                    pipe.hset(key, mapping={since: of.SerializeToString(), **told})
            pipe.execute()


def _stored(moment: datetime) -> int:
    """As Feast has SQLite keep it: whole seconds, of the time in UTC read as that of the machine's own zone."""
    return int(adapt_datetime_epoch(moment.astimezone(UTC).replace(tzinfo=None)))


def _fields(view: str) -> list[tuple[str, FeastType]]:
    """By name, so that rows go into the index of a store in its order."""
    return sorted(((field.name, field.dtype) for field in CUSTOMER_VIEWS[view]), key=lambda field: field[0])


def _encoded(rows: pa.RecordBatch, name: str, kind: FeastType) -> Sequence[bytes]:
    encode = _ENCODINGS[kind]
    return [_EMPTY if value is None else encode(value).SerializeToString() for value in _values(rows, name)]


def _texts(rows: pa.RecordBatch, name: str, kind: FeastType) -> Sequence[str | None]:
    if isinstance(kind, Array):
        return [None] * len(rows)
    return [None if value is None else str(value) for value in _values(rows, name)]


def _values(rows: pa.RecordBatch, name: str) -> list[Any]:
    """Those of a column, None where they are not known; as Feast has it, what is not a number is not known."""
    if name not in rows.schema.names:
        return [None] * len(rows)
    column = rows[name]
    if pa.types.is_floating(column.type):
        return [None if value is None or isnan(value) else value for value in column.to_pylist()]
    return list(column.to_pylist())
