"""Writing a log so that an answer never waits for a database that is away: what it cannot take goes into the journal.

Acknowledged means on disk: in the log, or in this process's journal (`features/journal.py`), which is replayed into the
log as soon as the database takes it again. A key counts once, so nothing is there twice, whatever was written to both.
Records of which the database has to say whether they are the first of their key cannot wait: those are refused.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from features.database import is_outage
from features.group_commit import GroupCommit
from features.journal import Journal, JournalFull
from features.log import Log, Record
from serving.breaker import Breaker
from serving.problems import Refused
from serving.replay import REPLAY_SECONDS, Replay
from serving.tick import Tick

_TICK = 0.05
_LEAVE_SECONDS = 5.0
_MOST_KEPT = 10_000
"""Requests that wait for the journal: a disk that is slow must not fill the memory."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Request:
    """Records on their way, and who waits for them. The first to `claim` it says what became of it."""

    records: Sequence[Record]
    arbitrated: bool
    until: float
    done: "Future[list[bool]]" = field(default_factory=Future)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _claimed: bool = False

    def __post_init__(self) -> None:
        self.done.set_running_or_notify_cancel()  # what is being written is not taken back

    def claim(self) -> bool:
        with self._lock:
            first, self._claimed = not self._claimed, True
            return first


class Writer:
    """The one writer of a log in a process, with a journal of `capacity` bytes below `folder` beside it.

    The database has `patience` seconds for a commit. Records of the types `arbitrated` are never journaled, and it has
    twice as long for them. Of journaled records those that are `admitted` get into the log; `replayed` is called then.
    """

    def __init__(
        self,
        commits: GroupCommit,
        folder: Path,
        capacity: int,
        patience: float,
        arbitrated: Collection[str] = (),
        admitted: Callable[[Sequence[Record]], Sequence[Record]] = lambda records: records,
        replayed: Callable[[], object] = lambda: None,
    ) -> None:
        self.commits = commits
        self.folder = folder
        self.capacity = capacity
        self.patience = patience
        self.breaker = Breaker(f"{self.log.table.name} log", failures=1, rest_seconds=REPLAY_SECONDS)
        self._arbitrated = frozenset(arbitrated)
        self._waiting: set[_Request] = set()
        self._kept: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._journal: Journal | None = None
        self._open_journal()
        self._closing = threading.Event()
        name = self.log.table.name
        self._threads = [
            threading.Thread(target=run, name=f"{what}-{name}", daemon=True)
            for what, run in (("deadlines", self._watch), ("journal", self._keep))
        ]
        for thread in self._threads:
            thread.start()
        self._tick = Tick(self.submit)
        self._replay = Replay(self.log, folder, self.breaker, lambda: self._journal, admitted, replayed)

    @property
    def log(self) -> Log:
        """The log that is written."""
        return self.commits.log

    @property
    def journaled(self) -> int:
        """Bytes that wait in the journal until the database is back."""
        return self._journal.size if self._journal else 0

    def submit(self, records: Sequence[Record]) -> "Future[list[bool]]":
        """Write `records`; the future tells, once they are on disk, which were new: of journaled ones all.

        Raises `queue.Full` when too many wait for the journal, or for the database to arbitrate; the future raises
        `Refused` when there is neither log nor journal.
        """
        arbitrated = not self._arbitrated.isdisjoint(record.type for record in records)
        patience = 2 * self.patience if arbitrated else self.patience
        request = _Request(records, arbitrated, time.monotonic() + patience)
        if self.breaker.state != "closed":
            self._spill(request)
            return request.done
        self._waiting.add(request)
        try:
            committing = self.commits.submit(records)
        except queue.Full:
            self._waiting.discard(request)
            if arbitrated:
                raise
            self._spill(request)
            return request.done
        committing.add_done_callback(partial(self._committed, request))
        return request.done

    async def written(self, records: Sequence[Record]) -> list[bool]:
        """The same, awaited, and handed over together with what else arrives in this tick of the event loop.

        Not for what is arbitrated: in an outage, whatever came in the same tick would be refused with it.
        """
        return await self._tick.written(records)

    def waiting(self) -> int:
        """Requests that are not on disk yet, for the metrics."""
        return self.commits.waiting() + self._kept.qsize()

    def close(self) -> None:
        """Write what waits, to the journal if the database does not come back; then give the journal up."""
        leaving = threading.Thread(target=self.commits.close, name="last-commit", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_SECONDS)  # a database that hangs must not hold the process; the deadlines take the rest
        self._closing.set()
        self._replay.close()
        deadlines, journal = self._threads
        deadlines.join(_LEAVE_SECONDS)
        self._kept.put(None)
        journal.join()
        if self._journal is not None:
            self._journal.close()

    def _committed(self, request: _Request, committing: "Future[list[bool]]") -> None:
        self._waiting.discard(request)
        error = committing.exception()
        if error is None:
            if request.claim():
                request.done.set_result(committing.result())
            return
        if is_outage(error):
            self._failed(error)
            if request.claim():
                self._divert(request)
        elif request.claim():
            request.done.set_exception(error)

    def _failed(self, error: BaseException) -> None:
        if self.breaker.state == "closed":
            log.error("the %s cannot be written (%s); records go into the journal", self.breaker.name, _kind(error))
        self.breaker.failed()

    def _spill(self, request: _Request) -> None:
        if self._kept.qsize() >= _MOST_KEPT:
            raise queue.Full
        self._divert(request)

    def _divert(self, request: _Request) -> None:
        if request.arbitrated:
            request.done.set_exception(Refused("storage_unavailable", ""))
        else:
            self._kept.put(request)

    def _watch(self) -> None:
        """Divert what the database has had for too long."""
        while not self._closing.wait(_TICK) or self._waiting:
            now = time.monotonic()
            for request in list(self._waiting):
                if now > request.until and request.claim():
                    self._waiting.discard(request)
                    self._failed(TimeoutError())
                    self._divert(request)
            if self._closing.is_set():
                time.sleep(_TICK)

    def _keep(self) -> None:
        closing = False
        while not closing:
            group = [self._kept.get()]
            while not self._kept.empty():
                group.append(self._kept.get())
            closing = None in group
            self._journalize([request for request in group if request is not None])

    def _journalize(self, group: Sequence[_Request]) -> None:
        if not group:
            return
        try:
            if self._journal is None:
                self._open_journal()
            if self._journal is None:
                raise JournalFull(f"there is no journal below {self.folder}")
            self._journal.append([record for request in group for record in request.records])
        except (JournalFull, OSError) as error:
            if len(group) > 1:  # a large batch must not take the small ones with it
                for request in group:
                    self._journalize([request])
                return
            log.error("the journal of the %s takes nothing: %s", self.breaker.name, error)
            group[0].done.set_exception(Refused("storage_unavailable", ""))
            return
        for request in group:
            request.done.set_result([True] * len(request.records))

    def _open_journal(self) -> None:
        try:
            self._journal = Journal(self.folder, self.capacity)
        except OSError as error:
            log.error("there is no journal for the %s: %s; free some space", self.breaker.name, error)


def _kind(error: BaseException) -> str:
    """The kind of an error; its text may hold a person's id."""
    return type(getattr(error, "orig", None) or error).__name__
