"""A made shop as the arrays that models are fitted on, and tables of features of the past to join with."""

from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.scale_history import AS_OF
from benchmarks.scale_shop import CATEGORIES, DAYS, DEVICES, ORDERED, SERVER, START, TYPES, WEEKS, Rows, Shop
from features.bucket_join import bucket_folder
from features.events import INTERACTION_WEIGHTS
from features.history_rows import bucket_of
from features.log import microseconds
from models.arrays import Ids
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, days
from models.time_to_event.lines import Lines

_DAY = 86_400_000_000
_WEIGHTS = np.array([INTERACTION_WEIGHTS.get(name, 0.0) for name in TYPES])
TABLES, APART = 50, 7
"""Tables of features, and days between them: a year of weekly ones, of which 13 are young enough to be joined."""


def interactions(shop: Shop) -> Interactions:
    """What a recommender is fitted on; people who never log in are as many as their devices."""
    parts = []
    for week in range(WEEKS):
        rows = shop.week(week)
        kept = rows.take((_WEIGHTS[rows.type] > 0) & (rows.named != SERVER))
        parts.append(
            (
                _persons(shop, kept),
                kept.product,
                kept.occurred / _DAY,
                _WEIGHTS[kept.type],
                np.where(kept.type == ORDERED, kept.order, -1),
            )
        )
    persons, products, moments, weights, orders = (np.concatenate(column) for column in zip(*parts, strict=True))
    del parts
    _, customers = np.unique(persons, return_inverse=True)
    bought = orders >= 0
    _, codes = np.unique(orders[bought], return_inverse=True)
    order_codes = np.full(len(orders), -1, np.int32)
    order_codes[bought] = codes
    return Interactions(
        customers=customers.astype(np.int32),
        items=products,
        days=moments,
        weights=weights,
        item_ids=product_ids(shop),
        customer_count=int(customers.max()) + 1,
        until=days(AS_OF),
        orders=order_codes,
    )


def bought_lines(shop: Shop) -> tuple[Lines, Catalogue]:
    """What replenishment is fitted on, sorted by customer, and the products with their categories."""
    parts = []
    for week in range(WEEKS):
        rows = shop.week(week)
        kept = rows.take((rows.type == ORDERED) & (rows.named != SERVER))
        parts.append((_persons(shop, kept), kept.product, kept.occurred // _DAY, kept.quantity))
    persons, products, when, packs = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((when, persons))
    _, customers = np.unique(persons[order], return_inverse=True)
    ids = product_ids(shop)
    lines = Lines.of(
        customers.astype(np.int32),
        products[order],
        when[order].astype(np.int32),
        packs[order].astype(np.float64),
        shop.prices[products[order]] / 100,
        ids,
        int(customers.max()) + 1,
        START // _DAY + DAYS - 1,
    )
    category = np.arange(shop.products) // (shop.products // CATEGORIES)
    names = np.array([f"department {code % 20}/category {code}" for code in range(CATEGORIES)], object)
    return lines, Catalogue(days(AS_OF), ids, {"category": names[category]})


def product_ids(shop: Shop) -> Ids:
    """Sorted, and their codes are those of the shop."""
    return np.array([f"p{code:06d}" for code in range(shop.products)], object)


def pit_tables(folder: Path, features: int, seed: int, buckets: int | None = None) -> pa.Table:
    """Write `TABLES` weekly tables of customers, `features` rows together; returns a tenth as many rows to join.

    With `buckets` they are parted, and so are the rows. Every customer is in every table, so a row finds as many young
    enough tables as it would in a shop that builds features once a week.
    """
    rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng([seed, features])
    customers = features // TABLES
    ids = np.array([f"u{code}" for code in range(customers)], object)
    asked_of = rng.integers(0, customers, features // 10)
    moments = microseconds(AS_OF) - rng.integers(0, TABLES * APART * _DAY, len(asked_of))
    names = pa.array(ids)
    asked = pa.table(
        {
            "customer_id": names.take(pa.array(asked_of)),
            "event_timestamp": pa.array(moments).cast(pa.timestamp("us", "UTC")),
        }
    )
    own = np.array([bucket_of(id_, buckets) for id_ in ids]) if buckets else np.zeros(customers, np.int64)
    places = {bucket: np.flatnonzero(own == bucket) for bucket in range(buckets or 1)}
    for number in range(TABLES):
        as_of = AS_OF - timedelta(days=APART * (number + 1))
        table = _features(names, rng, as_of)
        for bucket, members in places.items():
            home = bucket_folder(folder, bucket) if buckets else folder
            path = home / "customer" / f"{as_of.strftime('%Y%m%dT%H%M%S.%fZ')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.take(pa.array(members)) if buckets else table, path, compression="zstd")
    if buckets:
        numbered = asked.append_column("row", pa.array(np.arange(len(asked))))
        for bucket in places:
            part = numbered.filter(pc.equal(pa.array(own[asked_of]), bucket))
            pq.write_table(part, bucket_folder(folder, bucket) / "rows.parquet")
    return asked


def _features(names: pa.Array, rng: np.random.Generator, as_of: object) -> pa.Table:
    count = len(names)
    moment = pa.array([as_of] * count, pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "customer_id": names,
            "event_timestamp": moment,
            "created": moment,
            "recency_days": rng.exponential(30, count),
            "frequency": rng.integers(0, 50, count),
            "monetary": rng.exponential(100, count).round(2),
            "orders_30d": rng.integers(0, 5, count),
        }
    )


def _persons(shop: Shop, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    device = rows.customer.astype(np.int64) * DEVICES
    return np.where(shop.has_account[rows.customer], device, device + rows.device)
