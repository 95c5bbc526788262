"""What came and did not get in, counted in memory and added to the shop's table every few seconds."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from features.arrivals import Arrivals, Why
from serving.follower import Follower
from serving.measures import Counter as Measured

_SECONDS = 3.0
_MOST_REASONS = 500
_MORE = Why("rejected", "other")

log = logging.getLogger(__name__)


class ArrivalCounts:
    """Counts of one worker. What a worker that is killed had not written yet is missing afterwards: a few seconds."""

    def __init__(self, table: Arrivals, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock
        self._counts: Counter[Why] = Counter()
        self._under_way: Counter[Why] = Counter()
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    @property
    def unwritten(self) -> int:
        """How many are not in the table yet, as far as is known here."""
        with self._lock:
            return (self._counts + self._under_way).total()

    def add(self, whys: Iterable[Why]) -> None:
        """Count each of them once."""
        with self._lock:
            for why in whys:
                known = why in self._counts or len(self._counts) < _MOST_REASONS
                self._counts[why if known else _MORE] += 1

    def write(self) -> None:
        """Add what was counted to the table; what cannot be written now is written later.

        When this returns, also what another thread was just writing is in the table.
        """
        with self._writing:
            with self._lock:
                self._under_way, self._counts = self._counts, Counter()
            try:
                if self._under_way:
                    self._table.add(self._under_way, self._clock())
            except Exception:
                with self._lock:
                    self._counts.update(self._under_way)
                raise
            finally:
                with self._lock:
                    self._under_way = Counter()


@contextmanager
def counting_arrivals(engine: Engine, clock: Callable[[], datetime], failures: Measured) -> Iterator[ArrivalCounts]:
    """Count for as long as the context lasts, and write the rest at its end.

    A database that hangs then does not hold the process: what cannot be written in ten seconds is lost, and logged.
    """
    counts = ArrivalCounts(Arrivals(engine), clock)
    follower = Follower("arrivals", counts.write, _SECONDS, failures, at_last=True)
    follower.start()
    try:
        yield counts
    finally:
        follower.close()
        if lost := counts.unwritten:
            log.warning("%d messages that did not get in are counted nowhere: the database did not take it", lost)
