"""The feature store's rows of persons, as they lie there, or in time: a store that is slow or gone costs its row alone.

The log tells the latest interactions all the same. The store has a few threads of its own, and once those hang hardly
anybody waits for them.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import TypeVar

from feast import FeatureStore

from features.customer_row import CustomerRow
from features.online_rows import OnlineRows
from features.person import Person, default_customer
from features.recent import Recent
from features.recent_rows import read_recents
from features.store import read_customer, read_customers
from serving.breaker import Breaker
from serving.visitor import Degraded

_MOST_IDS = 8
_THREADS = 4
_PLACES = 8

Rows = list[list[CustomerRow]]
"""Of each person."""

Known = tuple[Rows, Mapping[str, Recent]]
"""Rows, and what the projector wrote of ids."""

T = TypeVar("T")
_Ask = Callable[[Sequence[Person], Sequence[str], datetime], T]


@dataclass(frozen=True)
class FeatureRows:
    """Asks `store` by `online`, in the thread of the caller, for as long as it takes. Raises what the store raises."""

    store: FeatureStore
    online: OnlineRows

    def of(self, people: Sequence[Person], features: Sequence[str], now: datetime) -> Rows:
        """The rows of each person. Ids joined after the last build still have rows of their own, of that same build.

        However old a row is, the log holds what it does not know. Only a refund or cancellation of an order that is in
        the row already waits for the next build, since a row does not say which order an entry came from.
        """
        customers = [_customers_of(person) for person in people]
        ids = list(dict.fromkeys(id_ for own in customers for id_ in own))
        found = dict(zip(ids, read_customers(self.store, ids, features, now, online=self.online), strict=True))
        return [_newest([row for id_ in own if (row := found[id_]) is not None]) for own in customers]

    def known(self, people: Sequence[Person], features: Sequence[str], now: datetime) -> Known:
        """The rows of each person, and what the projector wrote of their ids; a store of before it has nothing."""
        rows = self.of(people, features, now)
        ids = list({id_ for person in people for id_ in _customers_of(person)})
        try:
            return rows, read_recents(self.online, ids)
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return rows, {}


class InTime:
    """Asks `rows`, but waits `timeout_seconds` at most, and not at all while the store failed a moment ago."""

    def __init__(self, rows: FeatureRows, timeout_seconds: float) -> None:
        self.rows = rows
        self.timeout_seconds = timeout_seconds
        self.breaker = Breaker("online_store")
        self._failed: Degraded = "features_unavailable"
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="feature-store")
        self._places = BoundedSemaphore(_PLACES)

    def of(
        self, people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[Rows | None, Degraded | None]:
        """What `FeatureRows.of` finds; else why not."""
        return self._asked(self.rows.of, people, features, now)

    def known(
        self, people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[Known | None, Degraded | None]:
        """What `FeatureRows.known` finds; else why not."""
        return self._asked(self.rows.known, people, features, now)

    def warm_up(self, features: Sequence[str], now: datetime) -> None:
        """Ask for nobody, as Feast's first answer takes longer than anybody waits. A store that is down may be."""
        with suppress(Exception):
            read_customer(self.rows.store, "nobody", features, now)

    def close(self) -> None:
        """End the threads; one that hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _asked(
        self, ask: _Ask[T], people: Sequence[Person], features: Sequence[str], now: datetime
    ) -> tuple[T | None, Degraded | None]:
        if not self.breaker.admits():  # it failed a moment ago, so nobody waits for it
            return None, self._failed
        if not self._places.acquire(blocking=False):
            self.breaker.abandoned()
            return None, "features_timeout"
        asked = self._threads.submit(ask, people, features, now)
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


def _customers_of(person: Person) -> list[str]:
    """The customers whose rows may tell of a person."""
    own = [default_customer(None, id_) for id_ in person.anonymous_ids]
    return list(dict.fromkeys([person.customer_id, *person.user_ids, *own]))[:_MOST_IDS]


def _newest(rows: Sequence[CustomerRow]) -> list[CustomerRow]:
    newest = max((row.event_timestamp for row in rows), default=None)
    return [row for row in rows if row.event_timestamp == newest]
