"""The rows of a shard, sorted out by where the person of each is at home: what stays, and what is for other shards.

Who is who is asked of the ids that occur, not of the rows, of which there are ten times as many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.codes import compacted, dictionary_of, places_of, with_dictionaries
from features.reading import ORDER_CODES, sql

_ROWS_A_BATCH = 60_000

_TEXTS = ("user_id", "anonymous_id", "product_id", "order_id")


@dataclass(frozen=True)
class SortedOut:
    """Rows with dictionaries in the columns of `sql/rows.sql`, with `customer_id` and `home` in the place of ids.

    `own` stay, `moved` are for other shards, and `orders` are those of both that tell of orders, with texts.
    """

    own: pa.Table
    moved: Mapping[int, pa.Table]
    orders: pa.Table


def sorted_out(connection: duckdb.DuckDBPyConnection, asked: Mapping[str, Any]) -> SortedOut:
    """Read what lies in a shard behind a `connection` of `reading.opened`, which is asked for nothing else then."""
    connection.execute("SET preserve_insertion_order = false")  # or it keeps more in memory than it tells
    for name, value in asked.items():  # a query with parameters would be answered as a whole before it is told
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    with connection.sql(sql("rows.sql")).to_arrow_reader(_ROWS_A_BATCH) as found:
        rows = with_dictionaries(found, found.schema, _TEXTS)
    rows, home = _at_home(connection, rows, asked["shard"])
    away = np.flatnonzero(home != asked["shard"])
    away = away[np.argsort(home[away], kind="stable")]
    moved = rows.take(pa.array(away))
    homes, starts, counts = np.unique(home[away], return_index=True, return_counts=True)
    orders = rows.filter(pa.array(np.isin(rows["code"].to_numpy(), ORDER_CODES)))
    for name in ("product_id", "order_id"):
        orders = orders.set_column(orders.schema.get_field_index(name), name, orders[name].cast(pa.string()))
    return SortedOut(
        rows.filter(pa.array(home == asked["shard"])) if len(away) else rows,
        {
            int(one): compacted(moved.slice(start, count))
            for one, start, count in zip(homes, starts, counts, strict=True)
        },
        orders.drop_columns(["customer_id"]),
    )


def _at_home(connection: duckdb.DuckDBPyConnection, rows: pa.Table, shard: int) -> tuple[pa.Table, NDArray[np.int32]]:
    """The rows with their person, without those of nobody, and the shard in which each is at home."""
    users, devices = (dictionary_of(rows[name]) for name in ("user_id", "anonymous_id"))
    ids = {
        "user_id": pa.concat_arrays([users, pa.nulls(len(devices), pa.string())]),
        "anonymous_id": pa.concat_arrays([pa.nulls(len(users), pa.string()), devices]),
        "place": pa.array(np.arange(len(users) + len(devices), dtype=np.int32)),
    }
    connection.register("spoken", pa.table(ids))
    connection.execute("CREATE OR REPLACE TEMP VIEW history AS FROM spoken")
    person = connection.sql(
        "SELECT place, customer_id, home FROM resolved($shard)", params={"shard": shard}
    ).to_arrow_table()
    customer = person["customer_id"].combine_chunks().dictionary_encode()
    # one more, for what names nobody at all: its place is -1
    homes, codes = np.full(len(ids["place"]) + 1, -1, np.int32), np.full(len(ids["place"]) + 1, -1, np.int32)
    homes[person["place"].to_numpy()] = person["home"].to_numpy()
    codes[person["place"].to_numpy()] = customer.indices.to_numpy()
    homes[-1] = shard
    user, device = (places_of(rows[name]) for name in ("user_id", "anonymous_id"))
    spoken = np.where(user >= 0, user, np.where(device >= 0, device + len(users), -1))
    code, home = codes[spoken], homes[spoken]
    customers = pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), customer.dictionary)
    rows = rows.drop_columns(["user_id", "anonymous_id"])
    rows = rows.append_column("customer_id", customers).append_column("home", pa.array(home))
    somebody = home >= 0
    return (rows, home) if somebody.all() else (rows.filter(pa.array(somebody)), home[somebody])
