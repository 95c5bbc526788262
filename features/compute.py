"""Features of customers and products, and the interactions, computed from the history by DuckDB: the SQL is in `sql/`.

Whoever asks gives `as_of`, and no row from then on is seen: what counts is when an event occurred, so features of the
past can be built from a history that was imported later. `known_at` restricts to what had also been received by then:
with `known_at=as_of` the answer is what this code would have said at that moment, late events missing.
Identity is not rewound: links learnt later join the past of a person as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.codes import NO_NAMES, Coded, Names, named
from features.customer_lists import lists_of
from features.history import generation, parts, position
from features.one_history import check_whole, one_history
from features.reading import opened, sql

HISTORY_LIMIT = 500
"""How many of a customer's latest interactions travel with the features."""

NOBODY = pa.schema([("kind", pa.string()), ("id", pa.string()), ("customer_id", pa.string())]).empty_table()
"""The identity table of a shop in which nobody was merged with anybody."""


@dataclass(frozen=True)
class Visible:
    """What may be known as of one moment, read once, to be asked for several tables.

    Where ids are codes, as in a shard, `names` has their texts.
    """

    connection: duckdb.DuckDBPyConnection
    as_of: datetime
    position: int
    names: Names = field(default_factory=lambda: NO_NAMES)

    def customers(self, created: datetime | None = None) -> pa.Table:
        """One row a customer who ever touched a product, sorted by `customer_id`; columns as in `definitions.py`.

        `created` is the moment from which the row may be used, `as_of` unless said otherwise: a point-in-time join
        passes over rows created after its own time. `log_position` is where the history ended when it was read, so what
        the log holds behind it is not in this row; an event dated from `as_of` on waits for the next computation.
        """
        self.connection.execute(sql("customers.sql"))
        table = self._ask("customer.sql", created=created or self.as_of)
        place = table.schema.get_field_index("log_position")
        rows = ask(self.connection, "latest.sql")
        for name, lists in reversed(lists_of(rows, len(table), HISTORY_LIMIT, self.names)):
            table = table.add_column(place, name, lists)
        return table

    def products(self, created: datetime | None = None) -> pa.Table:
        """One row a product that anybody ever touched, sorted by `product_id`; `created` as for `customers`."""
        sums, gaps = self.product_parts()
        self.connection.register("product_part", sums)
        self.connection.register("product_gap", gaps)
        return product_totals(self.connection, self.as_of, created)

    def product_parts(self) -> tuple[pa.Table, pa.Table]:
        """What `product_totals` adds up: sums and counts a product, and how long after an order the next one was."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE gaps AS {sql('product_gaps.sql')}")
        repeated = self.connection.sql("SELECT product_id, gap FROM gaps WHERE gap IS NOT NULL").to_arrow_table()
        return self._ask("product_parts.sql"), named(repeated, self.names)

    def interactions(self, since: datetime | None = None) -> pa.Table:
        """Every line that counts as interest, not before `since`, oldest first; returned lines are left out.

        Columns: customer_id, product_id, type, occurred_at, day (since 1970 in UTC, with a fraction), weight, quantity,
        price, order_id, position (in the log).
        """
        return named(self.coded_interactions(since).rows, self.names)

    def coded_interactions(self, since: datetime | None = None) -> Coded:
        """The same with codes in the place of ids, where the rows of a shard are looked at."""
        return self._coded("interactions.sql", since=since)

    def purchases(self) -> pa.Table:
        """Every line of an order that was bought and kept, oldest first.

        Columns: customer_id, product_id, day (whole days since 1970 in UTC), quantity, price (of one), order_id,
        occurred_at, position (in the log).
        """
        return named(self.coded_purchases().rows, self.names)

    def coded_purchases(self) -> Coded:
        """The same with codes in the place of ids, where the rows of a shard are looked at."""
        return self._coded("purchases.sql")

    def visits(self) -> pa.Table:
        """When each customer was there: customer_id, and us (microseconds since 1970), the latest of each hour."""
        return self._ask("visits.sql")

    def _ask(self, query: str, **parameters: Any) -> pa.Table:
        return named(self._coded(query, **parameters).rows, self.names)

    def _coded(self, query: str, **parameters: Any) -> Coded:
        rows = ask(self.connection, query, as_of=self.as_of, position=self.position, **parameters)
        return Coded(rows, self.names)


@contextmanager
def visible(
    history: Path, identities: pa.Table, as_of: datetime, known_at: datetime | None = None
) -> Iterator[Visible]:
    """Read the history up to `as_of`, with persons resolved by `identities` (kind, id, customer_id).

    Raises ValueError for a time without an offset, and for identities that name an id twice, and RuntimeError when the
    history is being made, or is made anew meanwhile.
    """
    check_offsets(as_of=as_of, known_at=known_at)
    with one_history(history, generation(history)):
        reached = position(history)
        check_whole(history, reached)
        with opened(parts(history, as_of, reached), identities) as connection:
            yield seen(connection, as_of, known_at, reached)


def products_of_moments(history: Path, identities: pa.Table, moments: Sequence[datetime]) -> Iterator[pa.Table]:
    """What `product_features` says as of each of `moments`, with the history read once: reading is half the price."""
    if not moments:
        return
    for moment in moments:
        check_offsets(moment=moment)
    last = max(moments)
    with one_history(history, generation(history)):
        reached = position(history)
        check_whole(history, reached)
        with opened(parts(history, last, reached), identities) as connection:
            read = "CREATE TEMP TABLE read AS SELECT * FROM history WHERE occurred_at < $last"
            connection.execute(read, {"last": last})
            connection.execute("CREATE OR REPLACE TEMP VIEW history AS SELECT * FROM read")
            yield from (seen(connection, moment, None, reached).products() for moment in moments)


def product_totals(connection: duckdb.DuckDBPyConnection, as_of: datetime, created: datetime | None = None) -> pa.Table:
    """The features of products out of the views `product_part` and `product_gap`, which hold those of all shards."""
    return ask(connection, "product.sql", as_of=as_of, created=created or as_of)


def seen(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    known_at: datetime | None,
    reached: int,
    shard: int = 0,
    names: Names = NO_NAMES,
) -> Visible:
    """What may be known as of a moment of the rows behind a `connection` of `reading.opened`."""
    asked = {"as_of": as_of, "known_at": known_at, "position": reached, "shard": shard}
    for statement in connection.extract_statements(sql("visible.sql")):
        connection.execute(statement, {name: asked[name] for name in statement.named_parameters})
    return Visible(connection, as_of, reached, names)


def customer_features(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    created: datetime | None = None,
) -> pa.Table:
    """The features of every customer as of `as_of`: see `Visible.customers`."""
    with visible(history, identities, as_of, known_at) as known:
        return known.customers(created)


def product_features(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    created: datetime | None = None,
) -> pa.Table:
    """The features of every product as of `as_of`: see `Visible.products`."""
    with visible(history, identities, as_of, known_at) as known:
        return known.products(created)


def interactions(
    history: Path,
    identities: pa.Table,
    until: datetime,
    since: datetime | None = None,
    known_at: datetime | None = None,
) -> pa.Table:
    """The interactions that occurred before `until`, and not before `since`: see `Visible.interactions`."""
    with visible(history, identities, until, known_at) as known:
        return known.interactions(since)


def ask(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> pa.Table:
    """The answer to a query of `sql/`, with those of the `parameters` that it names."""
    check_offsets(**parameters)
    (statement,) = connection.extract_statements(sql(query))
    named = {name: parameters[name] for name in statement.named_parameters}
    return connection.sql(statement, params=named).to_arrow_table()


def check_offsets(**parameters: Any) -> None:
    """Raise ValueError for a time without an offset."""
    for name, value in parameters.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name}={value.isoformat()} has no offset; give it one, e.g. tzinfo=UTC")
