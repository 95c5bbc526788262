"""The verb `recommend`: what a placement would show to every customer, into a file for whoever sends it.

The histories are those of the newest customer features, so the file knows what `features build` knew. The answers are
made by the service's own code.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from features.catalog import Catalog
from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record
from features.privacy.personal import Withdrawals
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.snapshots import newest, product_table
from models.recommenders.base import days
from models.registry import CHAMPION, Registry
from pipelines.console import Tick
from pipelines.settings import Settings
from serving.answers import Answered, answered
from serving.bundle import Bundle, Shelf
from serving.placement_file import PlacementFile
from serving.placements import Placement
from serving.restock.champion import MODEL as RESTOCK
from serving.restock.champion import following, with_due_again
from serving.schemas import Context, RecommendationRequest, Subject
from serving.shown import shown_lately
from serving.visitor import Visitor

MODEL = "recommender"
_BATCH = 500
_ANONYMOUS = "anonymous:"
_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("rank", pa.int32()),
        ("item_id", pa.string()),
        ("score", pa.float64()),
        ("source", pa.string()),
        ("promoted", pa.bool_()),
        ("explored", pa.bool_()),
        ("propensity", pa.float64()),
        ("reason", pa.string()),
        ("reason_text", pa.string()),
        ("recommendation_id", pa.string()),
    ]
)
_OF_ITEM = ("rank", "item_id", "score", "source", "promoted", "explored", "propensity")
_WRITERS: dict[str, Callable[[Path], pa.ipc.RecordBatchFileWriter]] = {
    ".parquet": lambda path: pq.ParquetWriter(path, _SCHEMA, compression="zstd"),
    ".csv": lambda path: csv.CSVWriter(path, _SCHEMA),
}


@dataclass(frozen=True)
class RecommendReport:
    """What was written: customers, lines of the file, and at which rate, in customers a CPU-second of choosing."""

    placement: str
    model_version: str
    customers: int
    recommendations: int
    logged: bool
    file: Path
    customers_per_cpu_second: float


def recommend(
    settings: Settings,
    placement: str,
    out: Path,
    limit: int,
    locale: str,
    now: datetime,
    log: bool,
    progress: Tick,
) -> RecommendReport:
    """Write the answers to all customers of the newest features into `out`, which appears when it is complete.

    With `log` they are kept in the decision log as shown. Raises ValueError for an unknown placement or kind of file,
    LookupError without a champion, FileNotFoundError without features.
    """
    if out.suffix not in _WRITERS:
        raise ValueError(f"{out} must end in {' or '.join(_WRITERS)}")
    placements = PlacementFile(settings.placements).read()
    if placement not in placements:
        raise ValueError(f"there is no placement {placement!r}; there are {', '.join(placements)}")
    engine = open_database(settings.database_url)
    table = pq.read_table(
        newest(settings.feature_data, "customer"),
        columns=["customer_id", "history_ids", "history_days", "history_weights"],
    )
    table = table.filter(pc.invert(pc.is_in(table["customer_id"], _left_out(settings, engine, table["customer_id"]))))
    bundle = _bundle(settings, Catalog(engine), now)
    decisions, identities = Log(engine, DECISIONS), Identities(engine)
    choose = partial(_chosen, bundle, placements[placement], limit, locale, now)
    partial_file = out.with_name(f"{out.name}.part")
    cpu, rows = 0.0, 0
    shown: list[Record] = []
    # BLAS threads of a product of a few hundred numbers only wait for each other.
    with threadpool_limits(1, "blas"), _WRITERS[out.suffix](partial_file) as writer:
        for start in range(0, len(table), _BATCH):
            customers, visitors = _visitors(table.slice(start, _BATCH))
            rotation = placements[placement].rules.rotation
            if rotation is not None:
                since = now - timedelta(hours=rotation.hours)
                visitors = list(_reminded(customers, visitors, decisions, identities, since))
            started = time.process_time()
            found = choose(customers, visitors)
            cpu += time.process_time() - started
            lines = _lines(customers, found)
            writer.write_table(lines)
            rows += len(lines)
            if log:
                shown += [one.record for one in found]
            progress(start + len(customers), len(table))
    partial_file.replace(out)
    # What is in no file was shown to nobody, so the log comes after it.
    for start in range(0, len(shown), _BATCH):
        decisions.append(shown[start : start + _BATCH])
    engine.dispose()
    rate = round(len(table) / cpu, 1) if cpu else 0.0
    version = bundle.published.version.number
    return RecommendReport(placement, version, len(table), rows, log, out, rate)


def _bundle(settings: Settings, catalog: Catalog, now: datetime) -> Bundle:
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    version = registry.alias(MODEL, CHAMPION)
    if version is None:
        raise LookupError(
            "no champion to recommend with; run `python -m pipelines train recommender`, "
            "then `python -m pipelines promote`"
        )
    changes = catalog.changed_since(0)
    shelf = Shelf().following(changes)
    bundle = Bundle.assembled(registry.load(version), shelf, product_table(settings.feature_data), days(now))
    need = registry.alias(RESTOCK, CHAMPION)
    return bundle if need is None else with_due_again(bundle, following(registry.load(need).model, changes, now))


def _left_out(settings: Settings, engine: Engine, customers: pa.ChunkedArray) -> pa.Array:
    """The customers who are suppressed, or do not want to be known: nothing is chosen for them."""
    listed, withdrawals = Suppressions(engine, secret_in(settings.privacy_key)), Withdrawals(engine)
    withdrawals.catch_up(Log(engine, EVENTS))
    found = [person.customer_id for person in withdrawals.people(Identities(engine))]
    subjects = ((id_, subject_of(id_)) for id_ in customers.to_pylist())
    found += [id_ for id_, subject in subjects if listed.has(subject.user_id, subject.anonymous_id)]
    return pa.array(found, pa.string())


def _visitors(table: pa.Table) -> tuple[list[str], list[Visitor]]:
    columns = (table[name].to_pylist() for name in table.column_names)
    customers, visitors = [], []
    for customer, ids, moments, weights in zip(*columns, strict=True):
        customers.append(customer)
        visitors.append(
            Visitor(np.array(ids or [], object), np.array(moments or [], float), np.array(weights or [], float))
        )
    return customers, visitors


def _reminded(
    customers: Sequence[str], visitors: Sequence[Visitor], decisions: Log, identities: Identities, since: datetime
) -> Iterator[Visitor]:
    """The visitors with what they were shown lately."""
    for customer, visitor in zip(customers, visitors, strict=True):
        subject = subject_of(customer)
        person = identities.person(subject.user_id, subject.anonymous_id)
        shown = shown_lately(decisions, person, since, visitor.ids, visitor.days)
        yield Visitor(visitor.ids, visitor.days, visitor.weights, shown=shown)


def _chosen(
    bundle: Bundle,
    placement: Placement,
    limit: int,
    locale: str,
    now: datetime,
    customers: Sequence[str],
    visitors: Sequence[Visitor],
) -> list[Answered]:
    requests = [
        RecommendationRequest(
            subject=subject_of(customer), placement=placement.name, limit=limit, context=Context(locale=locale)
        )
        for customer in customers
    ]
    return answered(bundle, placement, requests, visitors, now)


def subject_of(customer: str) -> Subject:
    """The subject of a request about the customer of this id."""
    if customer.startswith(_ANONYMOUS):
        return Subject(anonymous_id=customer.removeprefix(_ANONYMOUS))
    return Subject(user_id=customer)


def _lines(customers: Sequence[str], found: Sequence[Answered]) -> pa.Table:
    lines = [
        {
            "customer_id": customer,
            **{name: getattr(item, name) for name in _OF_ITEM},
            "reason": item.reasons[0].code if item.reasons else None,
            "reason_text": item.reasons[0].text if item.reasons else None,
            "recommendation_id": one.answer.recommendation_id,
        }
        for customer, one in zip(customers, found, strict=True)
        for item in one.answer.items
    ]
    return pa.Table.from_pylist(lines, schema=_SCHEMA)
