"""What a placement would show to the customers of one part of an export, by the service's own code, into files."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, Log
from features.results import written
from pipelines.export import Export, subject_of, table_of
from pipelines.kept_bundle import bundle_in
from serving.answers import Answered, answered
from serving.placements import Placement
from serving.schemas import Context, RecommendationRequest
from serving.shown import shown_lately
from serving.visitor import Visitor

COLUMNS = ("customer_id", "history_ids", "history_days", "history_weights")
ASKED, SHOWN, LINES = "asked", "shown", "lines"
CUSTOMERS, CPU = b"customers", b"cpu"
SCHEMA = pa.schema(
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
_BATCH = 500


@dataclass(frozen=True)
class Asked:
    """What is asked about everybody but those `left_out`: `limit` products of a placement, with reasons in `locale`.

    Where the placement rotates, `database_url` has what was shown lately. With `log`, what is chosen is to be kept.
    """

    placement: Placement
    limit: int
    locale: str
    log: bool
    left_out: frozenset[str]
    database_url: str


def choose_part(export: Export, asked: Asked, part: int) -> None:
    """Write what the decision log is to keep of a part, then the lines of its customers, which say that it is done."""
    table = pq.read_table(export.path(ASKED, part))
    table = table.filter(pc.invert(pc.is_in(table["customer_id"], pa.array(sorted(asked.left_out), pa.string()))))
    tables, shown = [SCHEMA.empty_table()], [table_of([])]
    cpu = 0.0
    # BLAS threads of a product of a few hundred numbers only wait for each other.
    with threadpool_limits(1, "blas"):
        for start in range(0, len(table), _BATCH):
            customers, visitors = _visitors(table.slice(start, _BATCH))
            reminded = _reminded(export, asked, customers, visitors)
            started = time.process_time()
            try:
                found = _chosen(export, asked, customers, reminded)
            except Exception as error:
                error.add_note(f"customers {customers[0]} to {customers[-1]} of {export.path(ASKED, part)}")
                raise
            cpu += time.process_time() - started
            tables.append(_lines(customers, found))
            if asked.log:
                shown.append(table_of(one.record for one in found))
    if asked.log:
        written(export.path(SHOWN, part), partial(pq.write_table, pa.concat_tables(shown), compression="lz4"))
    lines = pa.concat_tables(tables).replace_schema_metadata({CUSTOMERS: str(len(table)), CPU: str(cpu)})
    written(export.path(LINES, part), partial(pq.write_table, lines, compression="lz4"))


def _visitors(table: pa.Table) -> tuple[list[str], list[Visitor]]:
    columns = (table[name].to_pylist() for name in COLUMNS)
    customers, visitors = [], []
    for customer, ids, moments, weights in zip(*columns, strict=True):
        customers.append(customer)
        visitors.append(
            Visitor(np.array(ids or [], object), np.array(moments or [], float), np.array(weights or [], float))
        )
    return customers, visitors


def _reminded(export: Export, asked: Asked, customers: Sequence[str], visitors: Sequence[Visitor]) -> Sequence[Visitor]:
    """The visitors with what they were shown lately, where the placement asks for it."""
    rotation = asked.placement.rules.rotation
    if rotation is None:
        return visitors
    since = export.at - timedelta(hours=rotation.hours)
    database = open_database(asked.database_url)

    def each() -> Iterator[Visitor]:
        decisions, identities = Log(database, DECISIONS), Identities(database)
        for customer, visitor in zip(customers, visitors, strict=True):
            subject = subject_of(customer)
            person = identities.person(subject.user_id, subject.anonymous_id)
            shown = shown_lately(decisions, person, since, visitor.ids, visitor.days, before=export.at)
            yield Visitor(visitor.ids, visitor.days, visitor.weights, shown=shown)

    try:
        return list(each())
    finally:
        database.dispose()


def _chosen(export: Export, asked: Asked, customers: Sequence[str], visitors: Sequence[Visitor]) -> list[Answered]:
    requests = [
        RecommendationRequest(
            subject=subject_of(customer),
            placement=asked.placement.name,
            limit=asked.limit,
            context=Context(locale=asked.locale),
        )
        for customer in customers
    ]
    numbers = [uuid.UUID(bytes=export.drawn(customer)[:16], version=4) for customer in customers]
    return answered(
        bundle_in(export.folder, export.at), asked.placement, requests, visitors, export.at, numbers=numbers
    )


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
    return pa.Table.from_pylist(lines, schema=SCHEMA)
