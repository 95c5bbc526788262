"""What is known about a visitor this second: the row of the feature store, and every event logged since it was made.

Beside it, where a placement rotates, what Kairos itself showed lately.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import BoundedSemaphore
from typing import Literal

import numpy as np
from feast import FeatureStore

from features.events import INTERACTION_WEIGHTS, Event
from features.identity import Identities, Person, default_customer
from features.log import Log, Record, from_record
from features.purchases import kept_lines
from features.store import CustomerRow, read_customer
from models.arrays import Floats, Ids
from models.recommenders.base import Query, days
from serving.schemas import Subject
from serving.shown import shown_lately

PURCHASE = INTERACTION_WEIGHTS["order_completed"]
HISTORY_LENGTH = 500
_MOST_IDS = 8
_THREADS = 4
_PLACES = 8

Degraded = Literal["features_unavailable", "features_timeout"]  # why a visitor's row is not there


@dataclass(frozen=True)
class Visitor:
    """A history, oldest first, one entry an interaction; `degraded` when the feature store could not be asked.

    `shown` counts how often a product was shown lately and then not touched.
    """

    ids: Ids = field(default_factory=lambda: np.empty(0, object))
    days: Floats = field(default_factory=lambda: np.empty(0))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    degraded: Degraded | None = None
    shown: Mapping[str, int] = field(default_factory=dict)

    def query(self, now: float) -> Query:
        """The question to a recommender: what follows from all that this visitor did?"""
        return Query(now, self.ids, np.minimum(self.days, now), self.weights)


class Visitors:
    """Reads visitors, each in one of `threads`, never on the event loop.

    The feature store has `timeout_seconds`; a store that is slow or gone costs its row, not the answer: the log alone
    tells the latest interactions. It has a few threads of its own, and once those hang hardly anybody waits for them.
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
        self.events = events
        self.decisions = decisions
        self.identities = identities
        self.store = store
        self.timeout_seconds = timeout_seconds
        self.threads = threads
        self._features = ThreadPoolExecutor(_THREADS, thread_name_prefix="feature-store")
        self._places = BoundedSemaphore(_PLACES)

    async def read(
        self, subject: Subject, features: Sequence[str], now: datetime, shown_since: datetime | None = None
    ) -> Visitor:
        """The visitor of `subject`; a stranger has an empty history. The database's errors are the caller's.

        With `shown_since`, also what was shown from then on.
        """
        if subject.user_id is None and subject.anonymous_id is None:
            return Visitor()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self._read, subject, features, now, shown_since)

    def read_many(
        self,
        subjects: Sequence[Subject],
        features: Sequence[str],
        now: datetime,
        shown_since: datetime | None = None,
    ) -> list[Visitor]:
        """The visitors of many subjects, as `read` reads each; in the thread of the caller, who has one for batches."""
        return [
            Visitor() if subject == Subject() else self._read(subject, features, now, shown_since)
            for subject in subjects
        ]

    def _read(self, subject: Subject, features: Sequence[str], now: datetime, shown_since: datetime | None) -> Visitor:
        person = self.identities.person(subject.user_id, subject.anonymous_id)
        rows, degraded = self.rows(person, features, now) if features else ([], None)
        after = max((int(row.values.get("log_position") or 0) for row in rows), default=0)
        as_of = rows[0].event_timestamp if rows else None
        tail = self.events.of_person(person.user_ids, person.anonymous_ids, after, HISTORY_LENGTH, as_of)
        visitor = _visitor(rows, [record for record in tail if person.did(record.user_id)], degraded)
        if shown_since is None:
            return visitor
        return replace(visitor, shown=shown_lately(self.decisions, person, shown_since, visitor.ids, visitor.days))

    def rows(self, person: Person, features: Sequence[str], now: datetime) -> tuple[list[CustomerRow], Degraded | None]:
        """What the feature store knows of a person, in time; else why not."""
        if not self._places.acquire(blocking=False):
            return [], "features_timeout"
        asked = self._features.submit(self._ask, person, features, now)
        asked.add_done_callback(lambda _: self._places.release())
        try:
            return asked.result(self.timeout_seconds), None
        except TimeoutError:
            asked.cancel()
            return [], "features_timeout"
        except Exception:  # whatever a store raises, the log can still answer
            return [], "features_unavailable"

    def _ask(self, person: Person, features: Sequence[str], now: datetime) -> list[CustomerRow]:
        """The rows of one person. Ids joined after the last build still have rows of their own, of that same build.

        However old a row is, the log holds what it does not know. Only a refund or cancellation of an order that is in
        the row already waits for the next build, since a row does not say which order an entry came from.
        """
        own = [default_customer(None, id_) for id_ in person.anonymous_ids]
        customers = list(dict.fromkeys([person.customer_id, *person.user_ids, *own]))[:_MOST_IDS]
        found = [read_customer(self.store, customer, features, now) for customer in customers]
        rows = [row for row in found if row is not None]
        newest = max((row.event_timestamp for row in rows), default=None)
        return [row for row in rows if row.event_timestamp == newest]

    def warm_up(self, features: Sequence[str], now: datetime) -> None:
        """Ask for nobody, as Feast's first answer takes longer than `timeout_seconds`. A store that is down may be."""
        with suppress(Exception):
            read_customer(self.store, "nobody", features, now)

    def close(self) -> None:
        """End the threads of the feature store; one that hangs is not waited for."""
        self._features.shutdown(wait=False, cancel_futures=True)


def _visitor(rows: Sequence[CustomerRow], tail: Sequence[Record], degraded: Degraded | None) -> Visitor:
    entries: list[tuple[float, str, float]] = []
    for row in rows:
        columns = (row.values.get(name) for name in ("history_days", "history_ids", "history_weights"))
        entries.extend(zip(*(column if column is not None else () for column in columns), strict=True))
    entries.extend(_wanted([from_record(record) for record in tail]))
    entries.sort(key=lambda entry: entry[0])
    entries = entries[-HISTORY_LENGTH:]
    if not entries:
        return Visitor(degraded=degraded)
    moments, ids, weights = zip(*entries, strict=True)
    return Visitor(np.array(ids, object), np.array(moments, float), np.array(weights, float), degraded)


def _wanted(tail: Sequence[Event]) -> Iterator[tuple[float, str, float]]:
    """(day, product, weight) of what counts in the latest events, in their order; of orders, what was kept."""
    for event, kept in zip(tail, kept_lines(tail), strict=True):
        weight = INTERACTION_WEIGHTS.get(event.type)
        if weight is not None:
            for line in kept if event.type == "order_completed" else event.body.lines:
                yield days(event.occurred_at), line.product_id, weight
