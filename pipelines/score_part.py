"""What the customers of one shard need again, into files; it imports no more than that takes.

A worker of a cluster imports this module for itself: MLflow and Feast, which the verb needs and this does not, would
take it longer than to score the customers of 1 M events.
"""

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.purchases import last_day
from features.restock_table import CURVE_DAYS, SCHEMA
from features.results import written
from features.shards import Shards
from models.arrays import Floats, Ids
from models.time_to_event.curves import due_within, quantile
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment
from training.replenishment.lines import to_lines

CUSTOMERS_A_BUCKET = 500
"""About 60 MB of curves in a grocery, where a customer has 170 groups."""

ROWS, DONE = "due", "foreseen"
PAIRS, CPU = b"pairs", b"cpu"
_DUE = 7
_REPURCHASE = 28


@dataclass(frozen=True)
class Bucket:
    """The answers for some customers: rows of the table of who is due, and features by name, one entry a customer.

    `pairs` is how many groups were asked about: those without a forecast are in no row.
    """

    rows: pa.Table
    features: dict[str, NDArray[np.generic]]
    pairs: int


def score_shard(shards: Shards, model: FittedReplenishment, shard: int, cores: int | None = None) -> None:
    """Write the answers for the customers of one shard: the rows of who is due, then the features."""
    day = last_day(shards.as_of)
    with shards.visible(shard, cores) as seen:
        lines, customer_ids = to_lines(seen.purchases(), day)
    members, parts = [np.empty(0, np.int64)], [scored(model, lines, customer_ids, day)] if not len(customer_ids) else []
    started = time.process_time()
    for places, theirs in in_buckets(lines, customer_ids):
        parts.append(scored(model, theirs, customer_ids[places], day))
        members.append(places)
    cpu = time.process_time() - started
    features = {name: np.concatenate([part.features[name] for part in parts]) for name in parts[0].features}
    table = pa.table({"customer_id": pa.array(customer_ids[np.concatenate(members)], pa.string()), **features})
    table = table.replace_schema_metadata({PAIRS: str(sum(part.pairs for part in parts)), CPU: str(cpu)})
    rows = pa.concat_tables([part.rows for part in parts])
    written(shards.path(ROWS, shard), partial(pq.write_table, rows, compression="lz4"))
    written(shards.path(DONE, shard), partial(pq.write_table, table))


def scored(model: FittedReplenishment, lines: Lines, customer_ids: Ids, day: int) -> Bucket:
    """The answers for the customers of `lines`, whose codes are places in `customer_ids`, at the end of `day`."""
    found = model.forecast(lines, day)
    known = found.rows(found.known)
    late = _later_than_usual(lines, day)
    due = due_within(known.curves, _DUE) >= 0.5
    next_order = quantile(found.trips, 0.5)
    features = {
        "repurchase_probability_28d": due_within(found.trips, _REPURCHASE),
        "is_overdue": late & (due_within(found.trips, HORIZON) >= 0.5),
        "groups_due_7d": np.bincount(known.customers[due], minlength=len(customer_ids)).astype(np.int64),
        "next_order_days": np.where(np.isfinite(next_order), next_order, np.nan),
    }
    return Bucket(_rows(known, customer_ids), features, len(found))


def in_buckets(lines: Lines, customer_ids: Ids) -> Iterator[tuple[NDArray[np.int64], Lines]]:
    """The customers of each bucket, as places in `customer_ids`, and their lines, with codes from 0 on."""
    count = max(1, -(-len(customer_ids) // CUSTOMERS_A_BUCKET))
    bucket = np.array([zlib.crc32(id_.encode()) % count for id_ in customer_ids], np.int64)
    code = np.empty(len(customer_ids), np.int32)
    order = np.argsort(bucket[lines.customers], kind="stable")
    ends = np.searchsorted(bucket[lines.customers][order], np.arange(count + 1))
    for place in range(count):
        members = np.flatnonzero(bucket == place)
        code[members] = np.arange(len(members))
        own = order[ends[place] : ends[place + 1]]
        if len(members):
            yield (
                members,
                replace(
                    lines,
                    customers=code[lines.customers[own]],
                    products=lines.products[own],
                    days=lines.days[own],
                    packs=lines.packs[own],
                    prices=lines.prices[own],
                    customer_count=len(members),
                ),
            )


def _later_than_usual(lines: Lines, day: int) -> NDArray[np.bool_]:
    """Whether the last order is longer ago than the customer's mean interval; never after a single day of orders."""
    days = np.unique(lines.customers.astype(np.int64) * 2**32 + lines.days)
    customers, when = np.divmod(days, 2**32)
    count = np.bincount(customers, minlength=lines.customer_count)
    first, last = np.full(lines.customer_count, np.inf), np.full(lines.customer_count, -np.inf)
    np.minimum.at(first, customers, when)
    np.maximum.at(last, customers, when)
    late: NDArray[np.bool_] = (count > 1) & ((day - last) * (count - 1) > last - first)
    return late


def _rows(known: Forecasts, customer_ids: Ids) -> pa.Table:
    at = np.array(CURVE_DAYS)
    columns = {
        "customer_id": pa.array(customer_ids[known.customers], pa.string()),
        "unit_id": pa.array(known.unit_ids, pa.string()),
        "product_id": pa.array(known.product_ids, pa.string()),
        "packs": known.packs,
        "curve": _curve(known.curves[:, at]),
        "status": pa.array(known.status, pa.string()),
        "confidence": pa.array(known.confidence, pa.string()),
        **{name: known.evidence[name] for name in ("purchases", "elapsed", "mean_interval")},
        "next_order": _curve(known.trips[known.customers][:, at]),
    }
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _curve(curves: Floats) -> pa.Array:
    flat = pa.array(curves.astype(np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, len(CURVE_DAYS))
