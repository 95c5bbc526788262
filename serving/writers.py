"""Opening the writers of both logs, each with its journal below a folder that is named after their database."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from features.decisions import DECISION
from features.events import RESTOCK_FEEDBACK
from features.group_commit import GroupCommit
from features.log import Log, Record
from features.privacy.suppression import Suppressions
from serving.settings import Settings
from serving.writer import Writer


@contextmanager
def writing_logs(
    events: Log, decisions: Log, settings: Settings, suppressions: Suppressions, replayed: Callable[[], object]
) -> Iterator[tuple[Writer, Writer]]:
    """The writers of events and of decisions as long as the block runs; all that they accepted is on disk when it ends.

    `replayed` is called when events came from the journal. What a killed process journaled about somebody who was
    erased since does not get into a log.
    """

    def admitted(records: Sequence[Record]) -> Sequence[Record]:
        suppressions.refresh()
        return suppressions.admitted_records(records)

    folder = settings.journal / _named(events.engine.url)
    size, patience = settings.journal_megabytes * 2**20, settings.log_timeout_ms / 1000
    happened = Writer(GroupCommit(events), folder / "event", size, patience, (RESTOCK_FEEDBACK,), admitted, replayed)
    try:
        decided = Writer(GroupCommit(decisions), folder / "decision", size, patience, (DECISION,), admitted)
        try:
            yield happened, decided
        finally:
            decided.close()
    finally:
        happened.close()


def _named(url: URL) -> str:
    """A name for the database: what was journaled for one must not get into another. A new password changes nothing."""
    backend = url.get_backend_name()
    sqlite = backend == "sqlite" and url.database
    where = str(Path(url.database).resolve()) if sqlite and url.database else (url.host, url.port, url.database)
    return hashlib.blake2b(repr((backend, where)).encode(), digest_size=8).hexdigest()
