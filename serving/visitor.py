"""What is known about a visitor this second: the row of the feature store, and every event logged since it was made.

Beside it, where a placement rotates, what Kairos itself showed lately.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import BoundedSemaphore
from typing import Literal, TypeVar

import numpy as np
from feast import FeatureStore

from features.events import INTERACTION_WEIGHTS, Event
from features.identity import Identities, Person, default_customer
from features.log import Log
from features.online_rows import rows_of
from features.purchases import kept_lines
from features.recent import Recent, tail
from features.recent_rows import read_recents
from features.stirred import stirred
from features.store import CustomerRow, read_customer, read_customers
from models.arrays import Floats, Ids
from models.recommenders.base import Query, days
from serving.breaker import Breaker
from serving.schemas import Subject
from serving.shown import shown_lately
from serving.together import Together

PURCHASE = INTERACTION_WEIGHTS["order_completed"]
HISTORY_LENGTH = 500
_MOST_IDS = 8
_THREADS = 4
_PLACES = 8
_HISTORY = ("history_ids", "history_days", "history_weights")
_TOGETHER = 16
_AT_ONCE = 4

T = TypeVar("T")

Degraded = Literal["features_unavailable", "features_timeout", "history_unavailable", "log_unavailable"]
"""Why a visitor's row is not there, or nothing at all is known or written of anybody."""


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


@dataclass(frozen=True)
class _Asked:
    """Who is asked about, by which features, and since when it counts what was shown."""

    subject: Subject
    features: tuple[str, ...]
    now: datetime
    shown_since: datetime | None


class Visitors:
    """Reads visitors in `threads`, never on the event loop; those who are asked about at the same time together.

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
        self._online = rows_of(store)
        self._together: Together[_Asked, Visitor] = Together(self._read_together, _TOGETHER, _AT_ONCE)
        self._features = ThreadPoolExecutor(_THREADS, thread_name_prefix="feature-store")
        self._places = BoundedSemaphore(_PLACES)
        self.breaker = Breaker("online_store")
        self._failed: Degraded = "features_unavailable"

    async def read(
        self, subject: Subject, features: Sequence[str], now: datetime, shown_since: datetime | None = None
    ) -> Visitor:
        """The visitor of `subject`; a stranger has an empty history. The database's errors are the caller's.

        With `shown_since`, also what was shown from then on.
        """
        if subject.user_id is None and subject.anonymous_id is None:
            return Visitor()
        return await self._together.ask(_Asked(subject, tuple(features), now, shown_since))

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
            found += self._read([_Asked(subject, tuple(features), now, shown_since) for subject in some])
        return found

    async def _read_together(self, asked: Sequence[_Asked]) -> list[Visitor]:
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._read, asked)

    def _read(self, asked: Sequence[_Asked]) -> list[Visitor]:
        """A visitor for each; who names nobody is a stranger. Features differ only while a model is swapped."""
        subjects = [(one.subject.user_id, one.subject.anonymous_id) for one in asked]
        named = [place for place, subject in enumerate(subjects) if subject != (None, None)]
        people = dict(zip(named, self.identities.people([subjects[place] for place in named]), strict=True))
        rows: dict[int, list[CustomerRow]] = {}
        recents: dict[str, Recent] = {}
        degraded: dict[int, Degraded | None] = {}
        for features in dict.fromkeys(one.features for one in asked if one.features):
            those = {place: person for place, person in people.items() if asked[place].features == features}
            known, reason = self._in_time(self._know, [*those.values()], features, asked[0].now)
            if known is not None:
                rows |= zip(those, known[0], strict=True)
                recents |= known[1]
            degraded |= dict.fromkeys(those, reason)
        quiet = self._quiet(people, rows)
        return [
            self._visitor(one, people[place], rows.get(place, []), recents, degraded.get(place), place in quiet)
            if place in people
            else Visitor()
            for place, one in enumerate(asked)
        ]

    def _quiet(self, people: Mapping[int, Person], rows: Mapping[int, Sequence[CustomerRow]]) -> frozenset[int]:
        """Who did nothing that his row does not know; asked of many at once, as it is so of most."""
        known = {place: _known_by(own) for place, own in rows.items() if own}
        if not known:
            return frozenset()
        after, since = min(after for after, _ in known.values()), min(since for _, since in known.values())
        moved = stirred(self.events, [people[place] for place in known], after, since)
        return frozenset(place for place, news in zip(known, moved, strict=True) if not news)

    def _visitor(
        self,
        asked: _Asked,
        person: Person,
        rows: Sequence[CustomerRow],
        recents: Mapping[str, Recent],
        degraded: Degraded | None,
        quiet: bool,
    ) -> Visitor:
        after, as_of = _known_by(rows) if rows else (0, None)
        events = [] if quiet else tail(self.events, person, after, as_of, recents, HISTORY_LENGTH)
        visitor = _visitor(rows, events, degraded)
        if asked.shown_since is None:
            return visitor
        shown = shown_lately(self.decisions, person, asked.shown_since, visitor.ids, visitor.days)
        return replace(visitor, shown=shown)

    def rows_of_all(
        self, people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[list[list[CustomerRow]], Degraded | None]:
        """What the feature store knows of each person, in one round to it and in time; else why not."""
        rows, degraded = self._in_time(self._ask, people, features, now)
        return [[] for _ in people] if rows is None else rows, degraded

    def _in_time(
        self,
        ask: Callable[[Sequence[Person], Sequence[str], datetime], T],
        people: Sequence[Person],
        features: Sequence[str],
        now: datetime,
    ) -> tuple[T | None, Degraded | None]:
        if not self.breaker.admits():  # it failed a moment ago, so nobody waits for it
            return None, self._failed
        if not self._places.acquire(blocking=False):
            self.breaker.abandoned()
            return None, "features_timeout"
        asked = self._features.submit(ask, people, features, now)
        asked.add_done_callback(lambda _: self._places.release())
        try:
            answer = asked.result(self.timeout_seconds)
        except TimeoutError:
            asked.cancel()
            self._failed = "features_timeout"
        except Exception:  # whatever a store raises, the log can still answer
            self._failed = "features_unavailable"
        else:
            self.breaker.succeeded()
            return answer, None
        self.breaker.failed()
        return None, self._failed

    def _ask(self, people: Sequence[Person], features: Sequence[str], now: datetime) -> list[list[CustomerRow]]:
        """The rows of each person. Ids joined after the last build still have rows of their own, of that same build.

        However old a row is, the log holds what it does not know. Only a refund or cancellation of an order that is in
        the row already waits for the next build, since a row does not say which order an entry came from.
        """
        customers = [_customers_of(person) for person in people]
        ids = list(dict.fromkeys(id_ for own in customers for id_ in own))
        found = dict(zip(ids, read_customers(self.store, ids, features, now, online=self._online), strict=True))
        return [_newest([row for id_ in own if (row := found[id_]) is not None]) for own in customers]

    def _know(
        self, people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[list[list[CustomerRow]], dict[str, Recent]]:
        """The rows of each person, and what the projector wrote of their ids; a store of before it has nothing."""
        rows = self._ask(people, features, now)
        with suppress(Exception):
            return rows, read_recents(self._online, list({id_ for person in people for id_ in _customers_of(person)}))
        return rows, {}

    def warm_up(self, features: Sequence[str], now: datetime) -> None:
        """Ask for nobody, as Feast's first answer takes longer than `timeout_seconds`. A store that is down may be."""
        with suppress(Exception):
            read_customer(self.store, "nobody", features, now)

    def close(self) -> None:
        """End the threads of the feature store; one that hangs is not waited for."""
        self._features.shutdown(wait=False, cancel_futures=True)


def _known_by(rows: Sequence[CustomerRow]) -> tuple[int, datetime]:
    """Up to which position of the log the rows of a person know it, and of which moment they are."""
    return max(int(row.values.get("log_position") or 0) for row in rows), rows[0].event_timestamp


def _customers_of(person: Person) -> list[str]:
    """The customers whose rows may tell of a person."""
    own = [default_customer(None, id_) for id_ in person.anonymous_ids]
    return list(dict.fromkeys([person.customer_id, *person.user_ids, *own]))[:_MOST_IDS]


def _newest(rows: Sequence[CustomerRow]) -> list[CustomerRow]:
    newest = max((row.event_timestamp for row in rows), default=None)
    return [row for row in rows if row.event_timestamp == newest]


def _visitor(rows: Sequence[CustomerRow], events: Sequence[Event], degraded: Degraded | None) -> Visitor:
    """The rows' entries and then the tail's, by day; of the same moment in that order."""
    parts = [[row.values[name] for name in _HISTORY] for row in rows if "history_ids" in row.values]
    if entries := list(_wanted(events)):
        moments, ids, weights = zip(*entries, strict=True)
        parts.append([np.array(ids, object), np.array(moments, float), np.array(weights, float)])
    if not parts:
        return Visitor(degraded=degraded)
    if len(parts) > 1:
        parts = [[np.concatenate(columns) for columns in zip(*parts, strict=True)]]
    ids, moments, weights = parts[0]
    if len(moments) > HISTORY_LENGTH or (moments[1:] < moments[:-1]).any():
        order = np.argsort(moments, kind="stable")[-HISTORY_LENGTH:]
        ids, moments, weights = ids[order], moments[order], weights[order]
    return Visitor(ids, moments, weights, degraded)


def _wanted(events: Sequence[Event]) -> Iterator[tuple[float, str, float]]:
    """(day, product, weight) of what counts in the latest events, in their order; of orders, what was kept."""
    for event, kept in zip(events, kept_lines(events), strict=True):
        weight = INTERACTION_WEIGHTS.get(event.type)
        if weight is not None:
            for line in kept if event.type == "order_completed" else event.body.lines:
                yield days(event.occurred_at), line.product_id, weight
