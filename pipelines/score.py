"""The verb `restock score`: what every customer needs again and when, for whoever asks who is due, and as features.

Customers are scored shard by shard, where the engine of the settings says, and in a shard in buckets by a hash of
their id, so that memory does not grow with the shop. A bucket is a pure function of its lines, and how many buckets
and shards there are changes no answer; what was scored before a failure is not scored again.
"""

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.catalog import Catalog
from features.customer_restock import keep_restock
from features.database import open_database
from features.history import buckets, position, position_before
from features.log import microseconds
from features.privacy.personal import identities_to_learn_from
from features.purchases import last_day
from features.restock_table import CURVE_DAYS, SCHEMA, write
from features.results import FOLDER as UNFINISHED
from features.results import code, kept, written
from features.shards import Shards, prepare, size
from features.snapshots import digest
from models.arrays import Floats, Ids
from models.registry import CHAMPION, PublishedReplenishment, Registry
from models.time_to_event.curves import due_within, quantile
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from pipelines.console import Tick
from pipelines.engine import opened
from pipelines.refresh import catalogue
from pipelines.settings import Settings
from training.replenishment.lines import to_lines

MODEL = Replenishment.name
CUSTOMERS_A_BUCKET = 500
"""About 60 MB of curves in a grocery, where a customer has 170 groups."""

_ROWS, _DONE = "due", "foreseen"
_PAIRS, _CPU = b"pairs", b"cpu"
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
    database = open_database(settings.database_url)
    identities = identities_to_learn_from(database)
    laid = buckets(settings.history)
    count = size(settings.history, as_of, reached, laid)
    of = (reached, laid, count, microseconds(as_of), digest(identities), Catalog(database).changed_since(0).revision)
    made = (*of, published.version.number, settings.mlflow_uri, code("features", "models", "pipelines", "training"))
    with kept(settings.feature_data / UNFINISHED / "score", *made) as folder, opened(settings.engine) as engine:
        shards = Shards(settings.history.resolve(), as_of, None, reached, laid, count, folder.resolve())
        prepare(shards, identities, engine.map, engine.cores)
        engine.map(partial(score_shard, shards, model, cores=engine.cores), shards.missing(_DONE), progress)
        rows = [pq.read_table(shards.path(_ROWS, shard)) for shard in range(count)]
        foreseen = pa.concat_tables([pq.read_table(shards.path(_DONE, shard)) for shard in range(count)])
        told = [pq.read_metadata(shards.path(_DONE, shard)).metadata for shard in range(count)]
    if not len(foreseen):
        raise ValueError(f"nobody bought anything before {as_of}; there is nobody to score")
    progress(len(foreseen), len(foreseen))
    table = write(settings.feature_data, as_of, known, rows)
    foreseen = foreseen.sort_by("customer_id")
    features = {name: foreseen[name].to_numpy() for name in foreseen.column_names}
    file = keep_restock(settings.feature_data, as_of, now, reached, features.pop("customer_id"), features)
    pairs, cpu = sum(int(one[_PAIRS]) for one in told), sum(float(one[_CPU]) for one in told)
    rate = round(pairs / cpu, 1) if cpu else 0.0
    forecasts = sum(len(part) for part in rows)
    return Scored(published.version.number, as_of, len(foreseen), forecasts, rate, (str(table), str(file)))


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
    table = table.replace_schema_metadata({_PAIRS: str(sum(part.pairs for part in parts)), _CPU: str(cpu)})
    rows = pa.concat_tables([part.rows for part in parts])
    written(shards.path(_ROWS, shard), partial(pq.write_table, rows, compression="lz4"))
    written(shards.path(_DONE, shard), partial(pq.write_table, table))


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
