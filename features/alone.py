"""Doing alone what one process may do at a time, on whatever machine: a lease that a thread keeps while the work lasts.

A lock on a file would end with its holder too, but holds on one machine alone, and not on every network file system.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from features.lease import Lease

LASTING = timedelta(seconds=10)
"""So long after a holder was killed another one begins."""

HISTORY = "history"
"""What whoever writes the Parquet history does alone."""

TABLES = "migrate"
"""What whoever opens MLflow or Feast's registry for the first time does alone: each makes its tables when they lack,
without a look at others who do."""

_LOOK_SECONDS = 0.25
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Clock = Callable[[], datetime]

StillAlone = Callable[[], None]
"""Asked right before whatever others see or lose; raises when another process may be at the same by now."""


def by_the_lock() -> None:
    """Asks no lease: whoever does it is on one machine, where a lock on the folder, or the caller, keeps them apart."""


class Taken(RuntimeError):
    """Another process does it now; the message says which, and until when at least."""


@dataclass
class Hold:
    """The lease that was taken. Long work asks `check` between its steps, and right before what others see."""

    lease: Lease
    clock: Clock
    _kept_at: float
    _lost: bool = False
    _end: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises Taken when it may not be ours any more: the process slept for too long, or the database was away.

        What was lost once stays lost, also when the other has ended: what it did is not known here.
        """
        lasting = self.lease.lasting.total_seconds()
        if self._lost or _seconds() - self._kept_at > lasting:
            raise Taken(
                f"{self.lease.name}: this process did not get to keep its lease of {lasting:.0f} s, so another may "
                "have begun; run it again"
            )

    def keep(self) -> None:
        """Renew it until `leave`, or until it is another's; what the database says is for whoever asks `check`."""
        while not self._lost and not self._end.wait(self.lease.lasting.total_seconds() / 5):
            began = _seconds()
            with suppress(SQLAlchemyError):
                if self.lease.renew(self.clock()):
                    self._kept_at = began
                else:
                    self._lost = True

    def leave(self) -> None:
        """Renew it no longer."""
        self._end.set()


@contextmanager
def alone(
    engine: Engine, name: str, clock: Clock, patience: timedelta = timedelta(0), lasting: timedelta = LASTING
) -> Iterator[Hold]:
    """Nobody else who asks for `name` in the database of `engine` is in such a block at the same time.

    Raises Taken when it is not free within `patience`, whose message names the holder.
    """
    lease = Lease(engine, name, _owner(), lasting)
    began = _seconds()
    gives_up = began + patience.total_seconds()
    while not lease.hold(clock()):
        if began >= gives_up:  # not the time now: who was stopped since it looked has not seen what is free by now
            raise Taken(_words(lease))
        time.sleep(_LOOK_SECONDS)
        began = _seconds()
    hold = Hold(lease, clock, began)
    thread = threading.Thread(target=hold.keep, name=f"lease-{name}", daemon=True)
    thread.start()
    try:
        yield hold
    finally:
        hold.leave()
        thread.join()
        with suppress(SQLAlchemyError):  # it ends by itself
            lease.release()


def moving(model: str) -> str:
    """What whoever moves an alias of a registered model does alone.

    >>> moving("recommender")
    'aliases of recommender'
    """
    return f"aliases of {model}"


def _seconds() -> float:
    """They pass while the machine is suspended too, as the lease does. `time.monotonic` stands still meanwhile on
    Linux; on macOS, which has no CLOCK_BOOTTIME, CLOCK_MONOTONIC goes on."""
    return time.clock_gettime(_CLOCK)


def _owner() -> str:
    """Names a process to whoever looks for it, and this one time that it asks."""
    return f"{socket.gethostname()}, process {os.getpid()}, {uuid.uuid4().hex[:8]}"


def _words(lease: Lease) -> str:
    found = lease.holder()
    holder, until = found if found else ("another process", None)
    ends = f", at least until {until:%H:%M:%S} UTC unless it ends before" if until else ""
    return f"{lease.name}: {holder.rpartition(', ')[0] or holder} does this now{ends}; wait for it, or end it"
