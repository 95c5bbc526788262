"""The features of the customers of one shard, and what it adds to those of products, in files until all are done."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.compute import product_totals
from features.log import microseconds
from features.results import written
from features.shards import Shards

CUSTOMERS, _SUMS, _GAPS = "customer", "product", "gaps"


def compute(shards: Shards, shard: int, cores: int | None = None) -> None:
    """Write what is known of one shard; its customers last, as they say that it is done."""
    with shards.visible(shard, cores) as seen:
        sums, gaps = seen.product_parts()
        written(shards.path(_SUMS, shard), partial(pq.write_table, sums))
        written(shards.path(_GAPS, shard), partial(pq.write_table, gaps))
        customers = seen.customers()
    written(shards.path(CUSTOMERS, shard), partial(pq.write_table, customers, compression="lz4"))


def products(shards: Shards, created: datetime) -> pa.Table:
    """The features of all products, when every shard is computed."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for view, step in (("product_part", _SUMS), ("product_gap", _GAPS)):
            paths = [str(shards.path(step, shard)) for shard in range(shards.count)]
            connection.read_parquet(paths).create_view(view)
        return product_totals(connection, shards.as_of, created)


def customers(shards: Shards, created: datetime) -> Iterator[pa.Table]:
    """The features of customers, shard by shard, usable from `created` on."""
    for shard in range(shards.count):
        table = pq.read_table(shards.path(CUSTOMERS, shard))
        for name, value in (("created", created), ("created_us", microseconds(created))):
            place = table.schema.get_field_index(name)
            constant = pa.repeat(pa.scalar(value, table.field(place).type), len(table))
            table = table.set_column(place, table.field(place), constant)
        yield table
