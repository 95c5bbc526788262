"""The thread that runs the projector in a worker, which one by the online store, and what is told of it."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from feast import FeatureStore

from features.activity import Activity
from features.lease import Lease
from features.log import Log
from features.projector import NAME, Lag, Projector
from features.shared_projector import SharedProjector
from serving.measures import Gauge, Labels, Measure
from serving.metrics import Metrics

LEASE = timedelta(seconds=10)
_PAUSE = 0.25
_REST = 3.0
_LATE = 30.0
_LEAVE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Projection:
    """Steps every quarter of a second in the worker that holds the lease, and looks for the lease in the others. With
    Redis or Valkey as the online store every worker steps, as many can push there at once.

    At most half of the time is spent in steps, as answers share the core with them.
    """

    def __init__(self, events: Log, store: FeatureStore, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        kind: type[Projector] | type[SharedProjector]
        kind = SharedProjector if store.config.online_store.type == "redis" else Projector
        self.projector = kind(events, store, Lease(events.engine, NAME, uuid.uuid4().hex, LEASE))
        self.metrics = metrics
        self.clock = clock
        self.failing: str | None = None
        """Which error the latest step ended with."""

        self.activity = Activity(events.engine)
        self._lag = Lag(0)
        self._held = False
        self._joined = False
        self._count_at = 0.0
        self._uncounted = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and let another worker go on at once; a step that hangs is left behind with its lease."""
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join(_LEAVE_SECONDS)
        if (self._held or self._joined) and not self._thread.is_alive():
            try:
                self.projector.close()
            except Exception as error:  # the lease ends by itself, and what was taken goes to others
                log.warning("the lease of the projector was left to itself: %s", type(error).__name__)

    def late(self) -> str | None:
        """Why recent events take the longer way through the log; None while they do not."""
        if self.failing is not None:
            return f"its latest step ended with {self.failing}; answers read the log instead"
        if self._seconds() > _LATE:
            return f"{self._lag.events} events behind for {self._seconds():.0f} s; answers read the log instead"
        return None

    def measures(self) -> list[Measure]:
        """What `/metrics` shows of it; the largest of all workers', as each looks at its own time."""
        return [
            Gauge("kairos_projector_lag_events", "Events that are not in the online store yet", self._events, join=max),
            Gauge("kairos_projector_lag_seconds", "Age of the oldest of them", self._age, join=max),
            Gauge(
                "kairos_projector_ranges",
                "Ranges of the log between it and the online store: waiting, or taken by a worker",
                self._ranges,
                ("state",),
                join=max,
            ),
            Gauge("kairos_projector_running", "Workers that hold the lease: one", self._holds),
        ]

    def step(self) -> float:
        """One step and a look at the lag; returns after how many seconds to do the next."""
        began = self.clock()
        try:
            done = self.projector.step(began)
            self._held, self._joined = done.held, done.joins
            self._lag = self.projector.lag()
            if self.failing is not None:
                log.info("the projector goes on")
            self.failing = None
        except LookupError:  # no features were ever built: nothing is late, there is nothing to be recent to
            self._held, self._lag, self.failing = False, Lag(0), None
            return _REST
        except Exception as error:  # whatever a store raises, the thread lives on and tries again
            self.metrics.projector_failures.add()
            if self.failing is None:
                log.error("the projector stands still with %s; answers read the log instead", type(error).__name__)
            self.failing = type(error).__name__
            return _REST
        for verdict in ("pushed", "refused", "unreadable", "skipped"):
            if count := getattr(done, verdict):
                self.metrics.projected.add(verdict, amount=count)
        if done.taken_over:
            self.metrics.projector_taken_over.add(amount=done.taken_over)
        took = (self.clock() - began).total_seconds()
        return min(_REST, max(took, 0.0 if done.more else _PAUSE)) if done.held or done.joins else _REST

    def count(self) -> None:
        """Count what came in since, every few seconds in the worker that holds the lease; reports alone read it."""
        began = time.monotonic()
        if began < self._count_at:
            return
        self._count_at = began + _REST
        try:
            if self.projector.lease.hold(self.clock()) and self.activity.step():
                self._count_at = 2 * time.monotonic() - began
            self._uncounted = False
        except Exception as error:  # the same; reports alone wait for it
            self.metrics.refresh_failures.add()
            if not self._uncounted:
                log.error("what comes in is not counted: %s; reports say less until it is", type(error).__name__)
            self._uncounted = True

    def _run(self) -> None:
        pause = 0.0
        while not self._end.wait(pause):
            pause = max(0.0, self.step())
            self.count()

    def _seconds(self) -> float:
        since = self._lag.since
        return 0.0 if since is None else max(0.0, (self.clock() - since).total_seconds())

    def _events(self) -> Iterable[tuple[Labels, float]]:
        return [((), self._lag.events)]

    def _age(self) -> Iterable[tuple[Labels, float]]:
        return [((), self._seconds())]

    def _ranges(self) -> Iterable[tuple[Labels, float]]:
        return [(("waiting",), self._lag.waiting), (("taken",), self._lag.taken)]

    def _holds(self) -> Iterable[tuple[Labels, float]]:
        return [((), self._held)]


@contextmanager
def projecting(
    events: Log, store: FeatureStore, metrics: Metrics, clock: Callable[[], datetime]
) -> Iterator[Projection]:
    """Run it for as long as the context lasts."""
    projection = Projection(events, store, metrics, clock)
    metrics.show(projection.measures())
    projection.start()
    try:
        yield projection
    finally:
        projection.close()
