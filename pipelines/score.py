"""The verb `restock score`: what every customer needs again and when, for whoever asks who is due, and as features.

Customers are scored in buckets by a hash of their id, so that memory does not grow with the shop; a bucket is a pure
function of its customers' lines, and how many buckets there are changes no answer.
"""

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.customer_restock import keep_restock
from features.database import open_database
from features.history import position, position_before
from features.identity import Identities
from features.purchases import last_day
from features.restock_table import CURVE_DAYS, SCHEMA, write
from models.arrays import Floats, Ids
from models.registry import CHAMPION, PublishedReplenishment, Registry
from models.time_to_event.curves import due_within, quantile
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from pipelines.console import Tick
from pipelines.refresh import catalogue
from pipelines.settings import Settings
from training.replenishment.lines import lines_of

MODEL = Replenishment.name
CUSTOMERS_A_BUCKET = 500
"""About 60 MB of curves in a grocery, where a customer has 170 groups."""

_DUE = 7
_REPURCHASE = 28
_NO_CHAMPION = (
    "no champion to forecast with; run `python -m pipelines train replenishment`, then "
    "`python -m pipelines promote replenishment`"
)


@dataclass(frozen=True)
class Scored:
    """What `score` wrote: for how many customers, and how many forecasts of groups; rate in pairs a CPU-second."""

    model_version: str
    as_of: datetime
    customers: int
    forecasts: int
    pairs_per_cpu_second: float
    files: tuple[str, ...]


@dataclass(frozen=True)
class Bucket:
    """The answers for some customers: rows of the table of who is due, and features by name, one entry a customer.

    `pairs` is how many groups were asked about: those without a forecast are in no row.
    """

    rows: pa.Table
    features: dict[str, NDArray[np.generic]]
    pairs: int


def score(settings: Settings, registry: Registry, as_of: datetime, now: datetime, progress: Tick) -> Scored:
    """Forecast everybody who bought before `as_of`, and keep both tables of that moment; they appear when complete.

    Raises LookupError without a champion, FileNotFoundError without a history, ValueError for an `as_of` in the future,
    whose tables would stand before all that are scored until then.
    """
    if as_of > now:
        raise ValueError(f"as_of {as_of} lies in the future, it is {now}; leave it out for now")
    reached = position(settings.history)
    if not reached:
        raise FileNotFoundError(f"no history in {settings.history}; run `python -m pipelines compact` first")
    known = position_before(settings.history, as_of)
    published = champion(registry)
    model = published.model
    model = replace(model, groups=model.groups.extended(catalogue(settings, as_of)))
    identities = Identities(open_database(settings.database_url)).table()
    lines, customer_ids = lines_of(settings.history, identities, as_of)
    if not len(customer_ids):
        raise ValueError(f"nobody bought anything before {as_of}; there is nobody to score")
    members, parts, cpu, done = [], [], 0.0, 0
    for places, theirs in _buckets(lines, customer_ids):
        started = time.process_time()
        parts.append(scored(model, theirs, customer_ids[places], last_day(as_of)))
        cpu += time.process_time() - started
        members.append(places)
        done += len(places)
        progress(done, len(customer_ids))
    table = write(settings.feature_data, as_of, known, [part.rows for part in parts])
    order = np.argsort(np.concatenate(members))
    features = {name: np.concatenate([part.features[name] for part in parts])[order] for name in parts[0].features}
    kept = keep_restock(settings.feature_data, as_of, now, reached, customer_ids, features)
    pairs, rows = sum(part.pairs for part in parts), sum(len(part.rows) for part in parts)
    rate = round(pairs / cpu, 1) if cpu else 0.0
    return Scored(published.version.number, as_of, len(customer_ids), rows, rate, (str(table), str(kept)))


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


def champion(registry: Registry) -> PublishedReplenishment:
    """The live replenishment model. Raises LookupError that says how to get one."""
    version = registry.alias(MODEL, CHAMPION)
    if version is None:
        raise LookupError(_NO_CHAMPION)
    return registry.load(version)


def _buckets(lines: Lines, customer_ids: Ids) -> Iterator[tuple[NDArray[np.int64], Lines]]:
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
