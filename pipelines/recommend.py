"""The verb `recommend`: what a placement would show to every customer, into a file for whoever sends it.

The histories are those of the newest customer features, so the file knows what `features build` knew. The answers are
made by the service's own code, in parts of customers, where the engine of the settings says.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import compress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv
from sqlalchemy import Engine

from features.catalog import Catalog
from features.database import open_database
from features.log import DECISIONS, Log
from features.not_yet import NoModelYet
from features.person import person_of
from features.privacy.secret import secret_in
from features.privacy.unlisted import Unlisted
from features.results import FOLDER as UNFINISHED
from features.results import code, kept
from features.snapshots import newest
from models.published import CHAMPION
from pipelines.at_work import at_work
from pipelines.console import Tick
from pipelines.database_url import reached, refuse_one_machine
from pipelines.engine import opened
from pipelines.export import CUSTOMERS_A_PART, Export, begun, log_shown
from pipelines.files import File, check_target, delivered
from pipelines.kept_bundle import keep_bundle
from pipelines.recommend_part import ASKED, COLUMNS, CPU, CUSTOMERS, LINES, SCHEMA, SHOWN, Asked, choose_part
from pipelines.registry import registry_beside
from pipelines.settings import Settings
from serving.placement_file import PlacementFile
from serving.restock.champion import MODEL as RESTOCK

MODEL = "recommender"
_NO_CHAMPION = (
    "no champion to recommend with; run `python -m pipelines train recommender`, then `python -m pipelines promote`"
)
_WRITERS: dict[str, Callable[[Path], pa.ipc.RecordBatchFileWriter]] = {
    ".parquet": lambda path: pq.ParquetWriter(path, SCHEMA, compression="zstd"),
    ".csv": lambda path: csv.CSVWriter(path, SCHEMA),
}


@dataclass(frozen=True)
class RecommendReport:
    """What was written: customers, lines of the file, and at which rate, in customers a CPU-second of choosing.

    `as_of` is the moment of the answers: that of a run which failed before on the same day, where this one finished it.
    """

    placement: str
    model_version: str
    as_of: datetime
    customers: int
    recommendations: int
    logged: bool
    file: File
    customers_per_cpu_second: float


def recommend(
    settings: Settings,
    placement: str,
    out: File,
    limit: int,
    locale: str,
    now: datetime,
    log: bool,
    progress: Tick,
    secret: bytes | None = None,
) -> RecommendReport:
    """Write the answers to all customers of the newest features into `out`, which appears when it is complete.

    With `log` they are kept in the decision log as shown. Ids and draws follow from `secret`, which is drawn when None.

    Raises ValueError for an unknown placement or kind of file, and for a cluster that is to read what was shown in a
    file of SQLite, LookupError without a champion, FileNotFoundError without features or a place for `out`, and
    BucketsFailed where a part failed: a rerun on the same day does what is missing.
    """
    if out.suffix not in _WRITERS:
        raise ValueError(f"{out} must end in {' or '.join(_WRITERS)}")
    check_target(out)
    placements = PlacementFile(settings.placements).read()
    if placement not in placements:
        raise ValueError(f"there is no placement {placement!r}; there are {', '.join(placements)}")
    if placements[placement].rules.rotation is not None:  # else no part asks the database
        refuse_one_machine(settings)
    table = newest(settings.feature_data, "customer")
    database = open_database(settings.database_url)
    registry = registry_beside(database, settings)
    version, need = registry.alias(MODEL, CHAMPION), registry.alias(RESTOCK, CHAMPION)
    if version is None:
        raise NoModelYet(_NO_CHAMPION)
    changes = Catalog(database).changed_since(0)
    left_out = _left_out(settings, database, table)
    asked = Asked(placements[placement], limit, locale, log, left_out, reached(settings.database_url))
    made = (table, table.stat().st_mtime_ns, placements[placement], limit, locale, log, changes.revision)
    models = (settings.mlflow_uri, version.number, need and need.number)
    root = settings.feature_data / UNFINISHED / f"recommend {placement}"
    with (
        at_work(database, root.name) as hold,
        kept(root, *made, *models, code("features", "models", "pipelines", "serving")) as folder,
        opened(settings.engine) as engine,
    ):
        export = begun(folder.resolve(), now, now, partial(_parts, table), secret)
        keep_bundle(export.folder, registry.load, version, need, changes, settings.feature_data)
        engine.map(partial(choose_part, export, asked), export.missing(LINES), progress)
        gone = _left_out(settings, database, table)
        hold.check()
        customers, rows = _gather(export, out, gone)
        if log:  # what is in no file was shown to nobody, so the log comes after it
            for part in range(export.parts):
                log_shown(Log(database, DECISIONS), pq.read_table(export.path(SHOWN, part)), now, gone)
        told = [pq.read_metadata(export.path(LINES, part)).metadata for part in range(export.parts)]
    database.dispose()
    chosen, cpu = sum(int(one[CUSTOMERS]) for one in told), sum(float(one[CPU]) for one in told)
    progress(customers, customers)
    rate = round(chosen / cpu, 1) if cpu else 0.0
    return RecommendReport(placement, version.number, export.at, customers, rows, log, out, rate)


def _parts(table: Path) -> Iterator[dict[str, pa.Table]]:
    """What is known of the customers of each part; never of all at once."""
    for batch in pq.ParquetFile(table).iter_batches(CUSTOMERS_A_PART, columns=list(COLUMNS)):
        yield {ASKED: pa.Table.from_batches([batch])}


def _gather(export: Export, out: File, gone: Collection[str]) -> tuple[int, int]:
    """Put the lines of all parts into `out`, in the order of the table, without who is `gone`.

    Returns of how many customers they are, each of whom is in one part, and how many.
    """
    customers = rows = 0

    def write(path: Path) -> None:
        nonlocal customers, rows
        with _WRITERS[out.suffix](path) as writer:
            for part in range(export.parts):
                lines = pq.read_table(export.path(LINES, part)).replace_schema_metadata(None)
                lines = lines.filter(pc.invert(pc.is_in(lines["customer_id"], pa.array(sorted(gone), pa.string()))))
                writer.write_table(lines)
                customers += pc.count_distinct(lines["customer_id"]).as_py()
                rows += len(lines)

    delivered(out, write)
    return customers, rows


def _left_out(settings: Settings, database: Engine, table: Path) -> frozenset[str]:
    """The customers who are suppressed, or do not want to be known, by any id: nothing is chosen for them."""
    unlisted, found = Unlisted.now(database, secret_in(settings.privacy_key)), set[str]()
    for batch in pq.ParquetFile(table).iter_batches(CUSTOMERS_A_PART, columns=["customer_id"]):
        ids = batch["customer_id"].to_pylist()
        found |= set(compress(ids, unlisted.unknown([person_of(id_) for id_ in ids])))
    return frozenset(found)
