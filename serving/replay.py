"""From the journal back into the log, as soon as the database takes it; also what killed processes left behind."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from features.database import is_outage
from features.journal import Journal, orphan
from features.log import Log, Record
from serving.breaker import Breaker
from serving.privacy.put_aside import REJECTED, put_aside

REPLAY_SECONDS = 0.25
"""How long the database is left alone before it is asked again."""

_ORPHANS_EVERY = 8
_CHUNK = 2_000
_LEAVE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Replay:
    """A thread that asks on everybody's behalf whether the log can be written again, and closes the breaker then.

    So no customer waits for a database that is away, not even one in so many. `admitted` takes out what must
    not be kept any more, `replayed` is called after records got into the log in this way.
    """

    def __init__(
        self,
        target: Log,
        folder: Path,
        breaker: Breaker,
        journal: Callable[[], Journal | None],
        admitted: Callable[[Sequence[Record]], Sequence[Record]],
        replayed: Callable[[], object],
    ) -> None:
        self.target = target
        self.folder = folder
        self.breaker = breaker
        self.journal = journal
        self.admitted = admitted
        self.replayed = replayed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"replay-{target.table.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that hangs in the database is left behind."""
        self._closing.set()
        self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        turn = 0
        while not self._closing.wait(REPLAY_SECONDS):
            try:
                if self._waits() and self.breaker.admits():
                    self._catch_up()
                if turn % _ORPHANS_EVERY == 0 and self.breaker.state == "closed":
                    self._adopt()
            except Exception as error:
                if is_outage(error):
                    self.breaker.failed()
                else:  # a mistake of ours, or of the disk: the database may be well
                    self.breaker.abandoned()
                    log.exception("replaying the journal failed with %s", type(error).__name__)
            turn += 1

    def _waits(self) -> bool:
        journal = self.journal()
        return self.breaker.state != "closed" or (journal is not None and journal.size > 0)

    def _catch_up(self) -> None:
        """Into the log with everything that was journaled; from then on the log is written directly again."""
        self.target.last_position()
        journal, end, count = self.journal(), 0, 0
        while journal is not None:
            records, end = journal.read(end, _CHUNK)
            if records:
                self._append(records)
                count += len(records)
            elif journal.empty(end):
                break
        self.breaker.succeeded()
        log.info("the %s can be written again; %d records came from the journal", self.breaker.name, count)

    def _adopt(self) -> None:
        records: Sequence[Record] | None = ()
        while records is not None:
            with orphan(self.folder) as records:
                if records:
                    self._append(records)
                    log.info("%d records that a killed process had journaled are in the log", len(records))

    def _append(self, records: Sequence[Record]) -> None:
        records = self.admitted(records)
        for start in range(0, len(records), _CHUNK):
            chunk = records[start : start + _CHUNK]
            try:
                self.target.append(chunk)
            except Exception as error:
                if is_outage(error):
                    raise
                self._append_singly(chunk)
        self.replayed()

    def _append_singly(self, records: Sequence[Record]) -> None:
        """What no database takes is put aside, so that it holds up nobody else."""
        for record in records:
            try:
                self.target.append([record])
            except Exception as error:
                if is_outage(error):
                    raise
                log.error("a journaled record cannot be written (%s); it is in %s", type(error).__name__, REJECTED)
                put_aside(self.folder, record)
