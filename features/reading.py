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

from features.events import EVENT_TYPES, INTERACTION_WEIGHTS
from features.history_rows import SCHEMA
from features.history_state import UNLESS_PRUNED
from features.unreadable import named

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

OTHER = "other"
"""What an event is of whose type nothing is known."""

_TYPES = (*EVENT_TYPES, OTHER)

ORDER_CODES = tuple(map(_TYPES.index, ("order_completed", "order_cancelled", "order_refunded")))
"""The types, by their codes in sorted rows, that tell of orders."""


@dataclass(frozen=True)
class Means:
    """How many threads may read, all unless said otherwise, and the folder for what does not fit into memory."""

    cores: int | None = None
    spill: Path | None = None


ALL = Means()

_WAY_OUT = f"restore it, or, {UNLESS_PRUNED}, drop the history and compact it again"


@contextmanager
def opened(
    paths: Sequence[Path], identities: pa.Table, told: Told = NOTHING, means: Means = ALL
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on the rows of `paths`; persons are resolved by `identities` (kind, id, customer_id).

    These may have `home` as well, the shard of the customer. Raises ValueError for identities that name an id twice,
    and OSError that names a file which cannot be read.
    """
    if len(identities.group_by(["kind", "id"]).aggregate([])) != len(identities):
        raise ValueError("the identity table names an id twice; each (kind, id) belongs to one customer")
    with _connected(told, means) as connection:
        if "home" not in identities.column_names:
            identities = identities.append_column("home", pa.nulls(len(identities), pa.int32()))
        connection.register("identity", identities)
        with named(paths, _WAY_OUT):
            _history(connection, paths)
            connection.execute(sql("known.sql"))
            yield connection


@contextmanager
def opened_sorted(rows: pa.Table, told: Told = NOTHING, means: Means = ALL) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same on rows that were sorted out before, see `sorting.py`, so that their persons are known."""
    with _connected(told, means) as connection:
        connection.register("sorted_row", rows)
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
        _kinds(connection)
        yield connection


def _kinds(connection: duckdb.DuckDBPyConnection) -> None:
    """The table `kind` has what is known of each type of events: an enumeration, of which DuckDB compares codes."""
    connection.execute(f"CREATE TYPE event_type AS ENUM {_TYPES}")  # DuckDB writes a list of texts as Python does
    kinds = {
        "type": _TYPES,
        "weight": pa.array([INTERACTION_WEIGHTS.get(name) for name in _TYPES], pa.float64()),
        "activity": [name in EVENT_TYPES and EVENT_TYPES[name].activity for name in _TYPES],
    }
    connection.register("told_kind", pa.table(kinds))
    connection.execute(
        "CREATE TEMP TABLE kind AS SELECT enum_code(CAST(type AS event_type)) AS code, "
        "CAST(type AS event_type) AS type, weight, activity FROM told_kind"
    )
    connection.execute("CREATE TEMP VIEW activity AS SELECT type FROM kind WHERE activity")


def sql(name: str) -> str:
    """The text of a query."""
    return files("features").joinpath("sql", name).read_text()


def _history(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """The view `history`, in the columns of `SCHEMA`: a currency is not asked for by anything."""
    names = ", ".join(name for name in SCHEMA.names if name not in ("currency", "type"))
    known = f"coalesce(TRY_CAST(type AS event_type), CAST('{OTHER}' AS event_type)) AS type"
    if paths:
        connection.read_parquet([str(path) for path in paths]).create_view("row")
    else:
        connection.register("row", SCHEMA.empty_table())
    connection.execute(f"CREATE TEMP VIEW history AS SELECT {names}, {known} FROM row")
