"""Features of customers and products, and the interactions, computed from the history by DuckDB: the SQL is in `sql/`.

Whoever asks gives `as_of`, and no row from then on is seen: what counts is when an event occurred, so features of the
past can be built from a history that was imported later. `known_at` restricts to what had also been received by then:
with `known_at=as_of` the answer is what this code would have said at that moment, late events missing.
Identity is not rewound: links learnt later join the past of a person as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.events import EVENT_TYPES, INTERACTION_WEIGHTS
from features.history import FILES, position
from features.history_rows import SCHEMA

HISTORY_LIMIT = 500
"""How many of a customer's latest interactions travel with the features."""

NOBODY = pa.schema([("kind", pa.string()), ("id", pa.string()), ("customer_id", pa.string())]).empty_table()
"""The identity table of a shop in which nobody was merged with anybody."""

_NO_HISTORY = SCHEMA.append(pa.field("day", pa.date32())).empty_table()


@dataclass(frozen=True)
class Visible:
    """What may be known as of one moment, read once, to be asked for several tables."""

    connection: duckdb.DuckDBPyConnection
    as_of: datetime
    position: int

    def customers(self, created: datetime | None = None) -> pa.Table:
        """One row a customer who ever touched a product, sorted by `customer_id`; columns as in `definitions.py`.

        `created` is the moment from which the row may be used, `as_of` unless said otherwise: a point-in-time join
        passes over rows created after its own time. `log_position` is where the history ended when it was read, so what
        the log holds behind it is not in this row; an event dated from `as_of` on waits for the next computation.
        """
        return self._ask("customer.sql", created=created or self.as_of, history_limit=HISTORY_LIMIT)

    def products(self, created: datetime | None = None) -> pa.Table:
        """One row a product that anybody ever touched, sorted by `product_id`; `created` as for `customers`."""
        return self._ask("product.sql", created=created or self.as_of)

    def interactions(self, since: datetime | None = None) -> pa.Table:
        """Every line that counts as interest, not before `since`, oldest first; returned lines are left out.

        Columns: customer_id, product_id, type, occurred_at, day (since 1970 in UTC, with a fraction), weight, quantity,
        price, order_id.
        """
        return self._ask("interactions.sql", since=since)

    def purchases(self) -> pa.Table:
        """Every line of an order that was bought and kept, oldest first.

        Columns: customer_id, product_id, day (whole days since 1970 in UTC), quantity, price (of one), order_id.
        """
        return self._ask("purchases.sql")

    def visits(self) -> pa.Table:
        """When each customer was there: customer_id, and us (microseconds since 1970), the latest of each hour."""
        return self._ask("visits.sql")

    def _ask(self, query: str, **parameters: Any) -> pa.Table:
        _check_offsets(**parameters)
        parameters |= {"as_of": self.as_of, "position": self.position}
        (statement,) = self.connection.extract_statements(_sql(query))
        named = {name: parameters[name] for name in statement.named_parameters}
        return self.connection.sql(statement, params=named).to_arrow_table()


@contextmanager
def visible(
    history: Path, identities: pa.Table, as_of: datetime, known_at: datetime | None = None
) -> Iterator[Visible]:
    """Read the history up to `as_of`, with persons resolved by `identities` (kind, id, customer_id).

    Raises ValueError for a time without an offset, and for identities that name an id twice.
    """
    _check_offsets(as_of=as_of, known_at=known_at)
    reached = position(history)
    with _opened(history, identities) as connection:
        yield _seen(connection, as_of, known_at, reached)


def products_of_moments(history: Path, identities: pa.Table, moments: Sequence[datetime]) -> Iterator[pa.Table]:
    """What `product_features` says as of each of `moments`, with the history read once: reading is half the price."""
    if not moments:
        return
    for moment in moments:
        _check_offsets(moment=moment)
    reached, last = position(history), max(moments)
    with _opened(history, identities) as connection:
        connection.execute(
            "CREATE TEMP TABLE read AS SELECT * EXCLUDE (currency) FROM history "
            "WHERE day <= CAST($last AS DATE) AND occurred_at < $last",
            {"last": last},
        )
        connection.execute("CREATE OR REPLACE TEMP VIEW history AS SELECT * FROM read")
        yield from (_seen(connection, moment, None, reached).products() for moment in moments)


def customer_features(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    created: datetime | None = None,
) -> pa.Table:
    """The features of every customer as of `as_of`: see `Visible.customers`."""
    with visible(history, identities, as_of, known_at) as seen:
        return seen.customers(created)


def product_features(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    created: datetime | None = None,
) -> pa.Table:
    """The features of every product as of `as_of`: see `Visible.products`."""
    with visible(history, identities, as_of, known_at) as seen:
        return seen.products(created)


def interactions(
    history: Path,
    identities: pa.Table,
    until: datetime,
    since: datetime | None = None,
    known_at: datetime | None = None,
) -> pa.Table:
    """The interactions that occurred before `until`, and not before `since`: see `Visible.interactions`."""
    with visible(history, identities, until, known_at) as seen:
        return seen.interactions(since)


@contextmanager
def _opened(history: Path, identities: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that knows the history, who is who, and what an event weighs."""
    if len(identities.group_by(["kind", "id"]).aggregate([])) != len(identities):
        raise ValueError("the identity table names an id twice; each (kind, id) belongs to one customer")
    weights = pa.table({"type": list(INTERACTION_WEIGHTS), "weight": list(INTERACTION_WEIGHTS.values())})
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("identity", identities)
        connection.register("weight", weights)
        active = [name for name, kind in EVENT_TYPES.items() if kind.activity]
        connection.register("activity", pa.table({"type": active}))
        if next(history.glob(FILES), None) is None:
            connection.register("history", _NO_HISTORY)
        else:
            connection.read_parquet(str(history / FILES), hive_partitioning=True).create_view("history")
        yield connection


def _seen(connection: duckdb.DuckDBPyConnection, as_of: datetime, known_at: datetime | None, reached: int) -> Visible:
    connection.execute(_sql("visible.sql"), {"as_of": as_of, "known_at": known_at, "position": reached})
    return Visible(connection, as_of, reached)


def _sql(name: str) -> str:
    return files("features").joinpath("sql", name).read_text()


def _check_offsets(**parameters: Any) -> None:
    for name, value in parameters.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name}={value.isoformat()} has no offset; give it one, e.g. tzinfo=UTC")
