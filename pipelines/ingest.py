"""The verb `ingest`: events from a file into the event log. What is wrong is set aside with its line; the rest gets in.

Running it twice changes nothing, and after an interruption the second run completes the first, as every event has a
key that only depends on the file.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from features.arrivals import Arrivals, Why
from features.garbage import without_collections
from features.log import EVENTS, Log, Record, microseconds
from features.privacy.suppression import Suppressions
from pipelines.assemble import assemble, records
from pipelines.event_rows import Progress, stage
from pipelines.files import File
from pipelines.presets.base import Preset, source_of
from pipelines.rejects import beside, rejections, write_rejects
from pipelines.tabular import scratch


@dataclass(frozen=True)
class ImportReport:
    """What an import did. Every row of the file was rejected, or accepted into an event.

    `events` are new in the log; `duplicates` were in it already, or twice in the file by their `message_id`;
    `suppressed` are of people who are on the suppression list.
    """

    rows: int
    accepted: int
    events: int
    duplicates: int
    suppressed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: File | None = None
    seconds: float = 0.0


def ingest(
    path: File | None,
    engine: Engine,
    at: datetime,
    preset: Preset | None = None,
    encoding: str = "utf-8",
    reject_file: File | None = None,
    progress: Progress | None = None,
    suppressions: Suppressions | None = None,
) -> ImportReport:
    """Read the events in `path` into the log on `engine`; `at` is the time of their arrival.

    Of who is on the list of `suppressions` nothing is read in.

    Rejected rows are written to `reject_file` (columns line, reason, row), by default beside the file that was read.
    `progress` hears of rows read, then of events written. Raises ValueError for a file that is no table or lacks a
    column, before anything is written.
    """
    started = time.perf_counter()
    source = source_of(path, preset, lambda known: known.events)
    with scratch() as connection:
        staged = stage(connection, source, at, preset.events if preset else None, encoding, progress=progress)
        rejected = rejections(connection)
        if rejected:
            reject_file = reject_file or beside(source, preset.name if preset and path is None else None)
            write_rejects(connection, reject_file)
        total = assemble(connection, staged)
        new = kept = 0
        for done, verdicts in _append(Log(engine, EVENTS), records(connection, microseconds(at)), suppressions):
            new += sum(verdicts)
            kept += len(verdicts)
            if progress is not None:
                progress(done, total)
    arrived = {Why("rejected", reason): count for reason, count in rejected.items()}
    Arrivals(engine).add({**arrived, Why("duplicate"): kept - new}, at)
    return ImportReport(
        rows=staged.rows,
        accepted=staged.rows - sum(rejected.values()),
        events=new,
        duplicates=kept - new,
        suppressed=total - kept,
        rejected=rejected,
        reject_file=reject_file if rejected else None,
        seconds=time.perf_counter() - started,
    )


def _append(
    log: Log, batches: Iterator[list[Record]], suppressions: Suppressions | None
) -> Iterator[tuple[int, list[bool]]]:
    """Records written so far, and the verdicts on the last batch. The next batch is fetched while one is written."""
    done = 0
    with without_collections(), ThreadPoolExecutor(max_workers=1) as fetcher:
        coming: Future[list[Record]] = fetcher.submit(next, batches, [])
        while batch := coming.result():
            coming = fetcher.submit(next, batches, [])
            done += len(batch)
            if suppressions is not None:
                suppressions.refresh()
                batch = suppressions.admitted_records(batch)
            verdicts = log.append(batch)
            yield done, verdicts
