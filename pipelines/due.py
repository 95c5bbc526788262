"""The verb `restock due`: who probably needs something within a window of days, each with a prepared cart, in a file.

Who is due, and with what, is decided by the service's own code, from the table of `restock score` and the log since, in
parts of customers, where the engine of the settings says.
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv
from sqlalchemy import Engine as Database

from features.catalog import Catalog
from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.person import person_of
from features.privacy.secret import secret_in
from features.privacy.unlisted import Unlisted
from features.purchases import last_day
from features.restock_table import newest, read
from features.results import FOLDER as UNFINISHED
from features.results import code, kept
from features.snapshots import as_of as moment_of
from models.registry import Registry
from models.time_to_event.durations import HORIZON
from pipelines.at_work import at_work
from pipelines.console import Tick
from pipelines.database_url import reached, refuse_one_machine
from pipelines.due_part import DUE, LIKELY, SHOWN, Asked, date_of, parted, prepare_part
from pipelines.engine import opened
from pipelines.export import CUSTOMERS_A_PART, Export, begun, log_shown, table_of
from pipelines.files import File, check_target, delivered
from pipelines.score import champion
from pipelines.settings import Settings
from serving.bundle import Shelf
from serving.restock.due import Question
from serving.restock.touched import ScoredCustomers

_WEEK = 7


@dataclass(frozen=True)
class Wanted:
    """Who is wanted: those who need something from `first` (the next day by default) to `last` (a week) with
    probability `least`, the likeliest `limit` of them at most, with carts of `max_items` at most.

    Who says no while others are prepared is dropped and nobody takes the place, so a list may be shorter.
    """

    first: date | None = None
    last: date | None = None
    least: float = 0.5
    limit: int | None = None
    max_items: int = 20

    def window(self, today: int) -> tuple[int, int]:
        """The first and the last day of the window since 1970, when `today` is the last day that is known."""
        first = today + 1 if self.first is None else (self.first - date_of(0)).days
        return first, first + _WEEK - 1 if self.last is None else (self.last - date_of(0)).days


@dataclass(frozen=True)
class DueReport:
    """What was written: customers who are due, and items in their carts."""

    model_version: str
    as_of: datetime
    first: date
    last: date
    customers: int
    items: int
    logged: bool
    file: File


def due(
    settings: Settings,
    registry: Registry,
    out: File,
    wanted: Wanted,
    locale: str,
    until: datetime | None,
    now: datetime,
    log: bool,
    progress: Tick,
    secret: bytes | None = None,
) -> DueReport:
    """Write who is due as of `until` (now when None) into `out`, the likeliest first; it appears when it is complete.

    With `log` the carts are kept in the decision log, so that their links open; tokens follow from `secret`, which is
    drawn when None. Raises ValueError for another kind of file, a window that the table cannot speak of or a cluster
    that is to read a file of SQLite, LookupError without a champion, FileNotFoundError when nobody was scored or `out`
    has no place, and BucketsFailed where a part failed: a rerun on the same day does what is missing.
    """
    if out.suffix not in _WRITERS:
        raise ValueError(f"{out} must end in {' or '.join(_WRITERS)}")
    check_target(out)
    refuse_one_machine(settings)
    database = open_database(settings.database_url)
    published = champion(registry)
    path = newest(settings.feature_data)
    window(wanted, moment_of(path), until or now)
    changes = Catalog(database).changed_since(0)
    made = (path, path.stat().st_mtime_ns, astuple(wanted), locale, until, log, changes.revision)
    version = (published.version.number, settings.mlflow_uri, code("features", "models", "pipelines", "serving"))
    root = settings.feature_data / UNFINISHED / "restock due"
    with at_work(database, root.name) as hold, kept(root, *made, *version) as folder:
        export = begun(folder.resolve(), until or now, now, partial(_parts, path, database), secret)
        first, last = window(wanted, moment_of(path), export.at)
        asked = Asked(
            Question(first, last, last_day(export.at), wanted.least, None, "", 1),
            wanted.limit,
            wanted.max_items,
            locale,
            log,
            published,
            Shelf().following(changes),
            reached(settings.database_url),
            secret_in(settings.privacy_key),
        )
        with opened(settings.engine) as engine:
            engine.map(partial(prepare_part, export, asked), export.missing(DUE), progress)
        found, records = _gathered(export, asked, Unlisted.now(database, asked.privacy_secret))
        hold.check()
        delivered(out, partial(_WRITERS[out.suffix], found))
        if log:  # what is in no file was shown to nobody, so the log comes after it
            log_shown(Log(database, DECISIONS), records, now)
    database.dispose()
    progress(len(found), len(found))
    items = sum(len(cart) for cart in found["cart"])
    number = published.version.number
    return DueReport(number, export.at, date_of(first), date_of(last), len(found), items, log, out)


def window(wanted: Wanted, scored: datetime, as_of: datetime) -> tuple[int, int]:
    """The first and the last day of the window since 1970. Raises ValueError where what was `scored` cannot tell."""
    today, made = last_day(as_of), last_day(scored)
    first, last = wanted.window(today)
    if made > today:
        raise ValueError("everybody was scored after that moment; give a later --until, or score again as of then")
    if today >= made + HORIZON:
        raise ValueError(f"the table of {date_of(made)} is too old; run `python -m pipelines restock score`")
    if not today < first <= last <= made + HORIZON:
        allowed = f"{date_of(today + 1)} to {date_of(made + HORIZON)}"
        raise ValueError(f"a window lies from {allowed}, not from {date_of(first)} to {date_of(last)}")
    return first, last


def _parts(path: Path, database: Database) -> Iterator[dict[str, pa.Table]]:
    scored = ScoredCustomers(read(path), Log(database, EVENTS), Identities(database))
    return parted(path, scored, CUSTOMERS_A_PART)


def _gathered(export: Export, asked: Asked, unlisted: Unlisted) -> tuple[pa.Table, pa.Table]:
    """The rows of all parts, the likeliest first, and what the log is to keep of them; without who is `unlisted` now.

    A row and its record are matched by the id of the cart, as two machines may have been at a part. A row without a
    record is left out: its link would open nothing.
    """
    table = pa.concat_tables([pq.read_table(export.path(DUE, part)) for part in range(export.parts)])
    stays = ~np.array(unlisted.among([person_of(id_) for id_ in table["customer_id"].to_pylist()]), bool)
    records = table_of([])
    if asked.log:
        records = pa.concat_tables([pq.read_table(export.path(SHOWN, part)) for part in range(export.parts)])
        stays &= pc.is_in(table["cart_id"], records["key"]).to_numpy()
    order = np.argsort(-table[LIKELY].to_numpy(), kind="stable")
    found = table.take(pa.array(order[stays[order]][: asked.limit])).drop_columns([LIKELY])
    return found, records.take(pc.index_in(found["cart_id"], records["key"])) if asked.log else records


def _write_csv(table: pa.Table, path: Path) -> None:
    carts = [msgspec.json.encode(cart).decode() for cart in table["cart"].to_pylist()]
    csv.write_csv(table.set_column(table.schema.get_field_index("cart"), "cart", pa.array(carts, pa.string())), path)


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {".parquet": _write_parquet, ".csv": _write_csv}
