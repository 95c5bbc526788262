"""The features of the customers of one shard, and what it adds to those of products, in files until all are done."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features import arrow_file
from features.compute import product_totals
from features.log import microseconds
from features.results import written
from features.shards import Shards

SUMS, _GAPS = "product", "gaps"


def compute(shards: Shards, shard: int, cores: int | None = None) -> None:
    """Write what is known of one shard; the sums of its products last, as they say that it is done."""
    with shards.visible(shard, cores) as seen:
        written(_customers(shards, shard), partial(arrow_file.write, seen.customers()))
        sums, gaps = seen.product_parts()
    written(shards.path(_GAPS, shard), partial(pq.write_table, gaps))
    written(shards.path(SUMS, shard), partial(pq.write_table, sums))


def products(shards: Shards, created: datetime) -> pa.Table:
    """The features of all products, when every shard is computed."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for view, step in (("product_part", SUMS), ("product_gap", _GAPS)):
            paths = [str(shards.path(step, shard)) for shard in range(shards.count)]
            connection.read_parquet(paths).create_view(view)
        return product_totals(connection, shards.as_of, created)


def customers(shards: Shards, created: datetime) -> Iterator[pa.Table]:
    """The features of customers, shard by shard, usable from `created` on."""
    for shard in range(shards.count):
        table = arrow_file.read(_customers(shards, shard))
        for name, value in (("created", created), ("created_us", microseconds(created))):
            place = table.schema.get_field_index(name)
            constant = pa.repeat(pa.scalar(value, table.field(place).type), len(table))
            table = table.set_column(place, table.field(place), constant)
        yield table


def _customers(shards: Shards, shard: int) -> Path:
    return shards.folder / f"customer-{shard:04d}.arrow"
