"""Who needs what again, and when: one Parquet file an `as_of`, a row a customer and group, written whole or not at all.

The verb `restock score` writes it, the service and `restock due` read it. A curve is kept at a few days ahead only,
close together at first: between two of them it falls evenly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.not_yet import NothingYet
from features.results import written

CURVE_DAYS = (0, 1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 42, 56, 84)
"""The days ahead at which a curve is kept."""

_CURVE = pa.list_(pa.float32(), len(CURVE_DAYS))
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("unit_id", pa.string()),
        ("product_id", pa.string()),
        ("packs", pa.float32()),
        ("curve", _CURVE),
        ("status", pa.string()),
        ("confidence", pa.string()),
        ("purchases", pa.float32()),
        ("elapsed", pa.float32()),
        ("mean_interval", pa.float32()),
        ("next_order", _CURVE),
    ]
)
"""`curve` is the probability that the group has not been bought so many days after the day of `as_of`, `next_order`
that the customer has not ordered at all; `elapsed` and `mean_interval` are days, NaN where there is no interval."""

_NAME = "%Y%m%dT%H%M%S.%fZ"
FOLDER = "restock"


@dataclass(frozen=True)
class RestockTable:
    """The rows of all customers as of `as_of`; what they do not know of is behind `log_position` in the event log.

    Rows are sorted by customer and group; those of `customer_ids[i]` are `starts[i]` to `starts[i + 1]`. `columns` has
    one entry a row for each column of `SCHEMA` but the customer; `curve` has shape (rows, days), `next_order` too.
    """

    as_of: datetime
    log_position: int
    customer_ids: NDArray[np.object_]
    starts: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def place(self, customer_id: str) -> int | None:
        """Where a customer stands in `customer_ids`; None for one who is not there."""
        found = int(np.searchsorted(self.customer_ids, customer_id))
        known = found < len(self.customer_ids) and self.customer_ids[found] == customer_id
        return found if known else None


def at_days(curves: NDArray[Any], days: NDArray[Any]) -> NDArray[np.float64]:
    """Curves kept at `CURVE_DAYS`, read at whichever `days` ahead: shape (rows, days). Behind the last they stay.

    >>> curve = np.linspace(1.0, 0.0, len(CURVE_DAYS))[None, :]
    >>> at_days(curve, np.array([0, 6, 84])).round(3).tolist()
    [[1.0, 0.577, 0.0]]
    """
    known = np.array(CURVE_DAYS, np.float64)
    wanted = np.clip(np.asarray(days, np.float64), known[0], known[-1])
    after = np.maximum(np.searchsorted(known, wanted), 1)
    part = (wanted - known[after - 1]) / (known[after] - known[after - 1])
    return np.asarray(curves[:, after - 1] * (1 - part) + curves[:, after] * part, np.float64)


def write(feature_data: Path, as_of: datetime, log_position: int, parts: Iterable[pa.Table], keep: int = 3) -> Path:
    """The table of `as_of`, from parts in the columns of `SCHEMA`, each customer in one of them; replaces one that is
    there. Of all tables the latest `keep` stay, and this one: who reads one has time to, and a disk does not fill.

    Raises ValueError when a part has other columns.
    """
    found = [part.select(SCHEMA.names).cast(SCHEMA) for part in parts]
    table = pa.concat_tables([SCHEMA.empty_table(), *found]).sort_by(
        [("customer_id", "ascending"), ("unit_id", "ascending")]
    )
    told = {"as_of": as_of.astimezone(UTC).isoformat(), "log_position": str(log_position)}
    path = feature_data / FOLDER / f"{as_of.astimezone(UTC).strftime(_NAME)}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    written(path, partial(pq.write_table, table.replace_schema_metadata(told), compression="zstd"))
    for old in _tables(path.parent)[:-keep]:
        if old != path:
            old.unlink(missing_ok=True)
    return path


def newest(feature_data: Path, until: datetime | None = None) -> Path:
    """The table with the latest `as_of`, not after `until`. Raises FileNotFoundError that says how to make one."""
    paths = _tables(feature_data / FOLDER)
    if until is not None:
        last = until.astimezone(UTC).strftime(_NAME)
        paths = [path for path in paths if path.stem <= last]
    if not paths:
        told = f"nobody was scored in {feature_data / FOLDER}; run `python -m pipelines restock score`"
        raise NothingYet(told)
    return paths[-1]


def read(path: Path) -> RestockTable:
    """A table as arrays, for a process to hold: about 150 bytes a row."""
    texts = [field.name for field in SCHEMA if pa.types.is_string(field.type)]
    table = pq.read_table(path, read_dictionary=texts)
    told = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    columns = {name: _values(table.column(name).combine_chunks()) for name in SCHEMA.names}
    customers = columns.pop("customer_id")
    first = np.flatnonzero(np.append(True, customers[1:] != customers[:-1])[: len(customers)])
    starts = np.append(first, len(customers)).astype(np.int64)
    as_of = datetime.fromisoformat(told["as_of"])
    return RestockTable(as_of, int(told["log_position"]), customers[first], starts, columns)


def _tables(folder: Path) -> list[Path]:
    """Oldest first: their names are their moments."""
    return sorted(folder.glob("*.parquet"))


def _values(column: Any) -> NDArray[Any]:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):  # one Python text for each different one, not for each row
        values = column.dictionary.to_numpy(zero_copy_only=False).astype(object)
        return np.asarray(values[column.indices.to_numpy(zero_copy_only=False)], object)
    if pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(CURVE_DAYS)))
    return np.asarray(column.to_numpy(zero_copy_only=False))
