"""Who reads a visitor, and where: what lies in files in one thread, whatever may take its time in one of its own."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from feast import FeatureStore
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from features.database import is_outage
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.online_rows import rows_at_hand, rows_of
from features.person import Person
from features.selecting import by_driver, is_file
from features.store import folder_of
from serving.breaker import Breaker
from serving.feature_rows import FeatureRows, InTime, Known, Rows
from serving.reading import Asked, Reading
from serving.schemas import Subject
from serving.together import Together
from serving.visitor import Degraded, Visitor

_TOGETHER = 16
_AT_ONCE = 4
_SLOW_SECONDS = 0.05
_REST_SECONDS = 1.0
"""So long everything is read by those that wait once a file was slow or locked."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Visitors:
    """Reads visitors; those who are asked about at the same time together.

    Where both stores are files of SQLite on one disk, one thread reads both, and so does the desk: a second hand-over
    costs as much as reading does. What is locked or slow is left to those that wait, and so is whatever fails, as they
    know what it means.

    There the feature store has `timeout_seconds`; one that is slow or gone costs its row, not the answer. Of files on
    one disk neither hangs alone, so a row that is being read from them has no time of its own.

    `waiting` reads visitors with patience, and `rows` asks the feature store in time.
    `at_hand` reads visitors from files, and `files` the feature store's rows alone: both None where one is no file.
    """

    def __init__(
        self,
        events: Log,
        decisions: Log,
        identities: Identities,
        store: FeatureStore,
        timeout_seconds: float,
        threads: ThreadPoolExecutor,
    ) -> None:
        self.store = store
        self.threads = threads
        self.rows = InTime(FeatureRows(store, rows_of(store)), timeout_seconds)
        self.breaker = self.rows.breaker
        self.waiting = Reading(events, decisions, identities, self.rows.known)
        self.files = _files(store, events.engine)
        self.at_hand = None if self.files is None else _at_hand(self.files, events.engine, self.breaker)
        self._at_hand_from = 0.0
        self._told = False
        self._built = False
        self._together: Together[Asked, Visitor] = Together(self._read_together, _TOGETHER, _AT_ONCE)

    async def read(
        self, subject: Subject, features: Sequence[str], now: datetime, shown_since: datetime | None = None
    ) -> Visitor:
        """The visitor of `subject`; a stranger has an empty history. The database's errors are the caller's.

        With `shown_since`, also what was shown from then on.
        """
        if subject.user_id is None and subject.anonymous_id is None:
            return Visitor()
        return await self._together.ask(Asked(subject, tuple(features), now, shown_since))

    async def settled(self, seconds: float) -> None:
        """Until nobody is being read about, but no longer than so."""
        await self._together.settled(seconds)

    def read_many(
        self,
        subjects: Sequence[Subject],
        features: Sequence[str],
        now: datetime,
        shown_since: datetime | None = None,
    ) -> list[Visitor]:
        """The visitors of many subjects, as `read` reads each; in the thread of the caller, who has one for batches."""
        found: list[Visitor] = []
        for start in range(0, len(subjects), _TOGETHER):
            some = subjects[start : start + _TOGETHER]
            found += self.waiting.read([Asked(subject, tuple(features), now, shown_since) for subject in some])
        return found

    def rows_of_all(
        self, people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[Rows, Degraded | None]:
        """What the feature store knows of each person, in one round to it and in time; else why not."""
        files = self.files
        if files is not None and (found := self._from_files(lambda: files.of(people, features, now))) is not None:
            self.breaker.succeeded()
            return found, None
        rows, degraded = self.rows.of(people, features, now)
        return [[] for _ in people] if rows is None else rows, degraded

    def features_exist(self) -> bool:
        """Whether features were ever built, which then stays so: who asks has to look at the disk no more."""
        self._built = self._built or (folder_of(self.store) / "customer").exists()
        return self._built

    def warm_up(self, features: Sequence[str], now: datetime) -> None:
        """Ask for nobody, as Feast's first answer takes longer than `timeout_seconds`. A store that is down may be."""
        self.rows.warm_up(features, now)

    def close(self) -> None:
        """End the threads of the feature store; one that hangs is not waited for."""
        self.rows.close()

    async def _read_together(self, asked: Sequence[Asked]) -> list[Visitor]:
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._read, asked)

    def _read(self, asked: Sequence[Asked]) -> list[Visitor]:
        found = self._read_at_hand(asked)
        return self.waiting.read(asked) if found is None else found

    def _read_at_hand(self, asked: Sequence[Asked]) -> list[Visitor] | None:
        at_hand = self.at_hand
        return None if at_hand is None else self._from_files(lambda: at_hand.read(asked))

    def _from_files(self, ask: Callable[[], T]) -> T | None:
        """What the files say, unless they were slow or locked a moment ago, or are locked now."""
        began = time.monotonic()
        if began < self._at_hand_from:
            return None
        found: T | None = None
        try:
            found = ask()
        except Exception as error:  # locked, gone, or anything: it is asked for again
            if not (self._told or is_outage(error) or isinstance(error, sqlite3.Error | OSError | DBAPIError)):
                self._told = True
                log.exception("what the files hold of a visitor cannot be read at once; it is read with patience")
        if found is None or time.monotonic() - began > _SLOW_SECONDS:
            self._at_hand_from = time.monotonic() + _REST_SECONDS
        return found


def _files(store: FeatureStore, engine: Engine) -> FeatureRows | None:
    """The rows of a store that waits for nobody: what is locked raises. None where not both are files on one disk."""
    online = rows_at_hand(store)
    if online is None or not is_file(engine):
        return None
    one_disk = _disk(Path(store.config.online_store.path)) == _disk(Path(str(engine.url.database)))
    return FeatureRows(store, online) if one_disk else None


def _disk(path: Path) -> int:
    """The number of the file system that holds a file, or will once its folders are made."""
    return next(folder for folder in path.resolve().parents if folder.exists()).stat().st_dev


def _at_hand(rows: FeatureRows, engine: Engine, breaker: Breaker) -> Reading:
    select = by_driver(engine, 0.0)

    def known(people: Sequence[Person], features: Sequence[str], now: datetime) -> tuple[Known, None]:
        found = rows.known(people, features, now)
        breaker.succeeded()
        return found, None

    return Reading(Log(engine, EVENTS, select), Log(engine, DECISIONS, select), Identities(engine, select), known)
