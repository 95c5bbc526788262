"""A DuckDB connection that knows rows of the history, who is who, and what events weigh: what the SQL of `sql/` asks.

It may know all of the history, or the part of one shard; then what other shards tell of their orders is known as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.events import EVENT_TYPES, INTERACTION_WEIGHTS
from features.history_rows import SCHEMA

RETURNED = pa.schema([("order_id", pa.string()), ("product_id", pa.string())])
"""A product that was returned of an order; all of the order where it is null."""

FIRST_REPORT = pa.schema([("order_id", pa.string()), ("product_id", pa.string()), ("position", pa.int64())])
"""Which event counts of those, told by customers of several shards, that bring a product in an order."""


@dataclass(frozen=True)
class Told:
    """What a shard must know of orders that others tell of as well."""

    returned: pa.Table = field(default_factory=RETURNED.empty_table)
    first_reports: pa.Table = field(default_factory=FIRST_REPORT.empty_table)


NOTHING = Told()


@dataclass(frozen=True)
class Means:
    """How many threads may read, all unless said otherwise, and the folder for what does not fit into memory."""

    cores: int | None = None
    spill: Path | None = None


ALL = Means()


@contextmanager
def opened(
    paths: Sequence[Path], identities: pa.Table, told: Told = NOTHING, means: Means = ALL
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on the rows of `paths`; persons are resolved by `identities` (kind, id, customer_id).

    These may have `home` as well, the shard of the customer. Raises ValueError for identities that name an id twice;
    an error of DuckDB is noted with the name of a file that cannot be read.
    """
    if len(identities.group_by(["kind", "id"]).aggregate([])) != len(identities):
        raise ValueError("the identity table names an id twice; each (kind, id) belongs to one customer")
    with _connected(told, means) as connection:
        if "home" not in identities.column_names:
            identities = identities.append_column("home", pa.nulls(len(identities), pa.int32()))
        connection.register("identity", identities)
        try:
            _history(connection, paths)
            connection.execute(sql("known.sql"))
            yield connection
        except duckdb.Error as error:
            if (broken := _unreadable(paths)) is not None:
                error.add_note(f"{broken} cannot be read; restore it, or drop the history and compact it again")
            raise


@contextmanager
def opened_sorted(
    rows: Path, moved: Sequence[Path], told: Told = NOTHING, means: Means = ALL
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same on rows that were sorted out before, by `sql/rows.sql`, so that their persons are known.

    `rows` is a file of Arrow, and has those of a shard; the files `moved` have those of its people that lie elsewhere.
    """
    with _connected(told, means) as connection, pa.memory_map(str(rows)) as file:
        connection.register("own_row", pa.ipc.open_file(file).read_all())
        parts = ["FROM own_row"]
        if moved:
            connection.read_parquet([str(path) for path in moved]).create_view("moved_row")
            parts.append("FROM moved_row")
        connection.execute(f"CREATE TEMP VIEW sorted_row AS {' UNION ALL '.join(parts)}")
        connection.execute(sql("sorted.sql"))
        yield connection


@contextmanager
def _connected(told: Told, means: Means) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}
    if means.cores is not None:
        config["threads"] = means.cores
    if means.spill is not None:
        config |= {"temp_directory": str(means.spill)}
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")  # what takes long would draw one
        connection.register("returned_elsewhere", told.returned)
        connection.register("first_report", told.first_reports)
        weights = {"type": list(INTERACTION_WEIGHTS), "weight": list(INTERACTION_WEIGHTS.values())}
        connection.register("weight", pa.table(weights))
        active = [name for name, kind in EVENT_TYPES.items() if kind.activity]
        connection.register("activity", pa.table({"type": active}))
        yield connection


def sql(name: str) -> str:
    """The text of a query."""
    return files("features").joinpath("sql", name).read_text()


def _history(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """The view `history`, in the columns of `SCHEMA`: a currency is not asked for by anything."""
    names = ", ".join(name for name in SCHEMA.names if name != "currency")
    if paths:
        connection.read_parquet([str(path) for path in paths]).create_view("row")
    else:
        connection.register("row", SCHEMA.empty_table())
    connection.execute(f"CREATE TEMP VIEW history AS SELECT {names} FROM row")


def _unreadable(paths: Sequence[Path]) -> Path | None:
    for path in paths:
        try:
            pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException):
            return path
    return None
