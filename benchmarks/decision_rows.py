"""Rows for the decision log, handed over at even distances, as fast as callers can, or one by one; all acknowledged."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from features.decisions import DECISION, Decided, Option, Terms
from features.group_commit import GroupCommit
from features.log import Log, Successor, microseconds
from models.arrays import Floats

RATE = 1_000
CALLERS = 64
_OPTIONS = 12
_NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """Rows that were acknowledged: how many a second, and after how many milliseconds each."""

    rate: float
    milliseconds: Floats
    cpu_us: float

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share, in percent, was acknowledged."""
        return float(np.percentile(self.milliseconds, share))


def at_even_distances(log: Log, seconds: float) -> Told:
    """`RATE` decisions a second, whether or not the log keeps up; each handed over when it is due."""
    count = round(RATE * seconds)
    rows, done, handed = _rows(log, count), np.full(count, np.nan), list[Future[list[bool]]]()
    writer, over, left = GroupCommit(log, capacity=count), threading.Event(), itertools.count(1)
    burnt, began = time.process_time(), time.perf_counter()

    def acknowledged(place: int) -> None:
        done[place] = time.perf_counter() - began - place / RATE
        if next(left) == count:
            over.set()

    for place, row in enumerate(rows):
        if (early := began + place / RATE - time.perf_counter()) > 0:
            time.sleep(early)
        handed.append(writer.submit([row]))
        handed[-1].add_done_callback(lambda _, place=place: acknowledged(place))  # type: ignore[misc]
    over.wait()
    took, burnt = time.perf_counter() - began, time.process_time() - burnt
    writer.close()
    for told in handed:
        _must_be_new(told.result())
    return Told(count / took, done * 1e3, burnt / count * 1e6)


def as_fast_as_they_can(log: Log, seconds: float) -> Told:
    """`CALLERS` threads who each hand over a decision and wait until it is on disk, again and again."""
    writer, found, ends = GroupCommit(log), list[float](), time.perf_counter() + seconds
    burnt, began = time.process_time(), time.perf_counter()

    def call(rows: Iterator[Successor]) -> None:
        while time.perf_counter() < ends:
            since = time.perf_counter()
            _must_be_new(writer.submit([next(rows)]).result())
            found.append(time.perf_counter() - since)

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call, _rows(log, None, CALLERS)) for _ in range(CALLERS)]
    for each in calls:
        each.result()
    took, burnt = time.perf_counter() - began, time.process_time() - burnt
    writer.close()
    return Told(len(found) / took, np.array(found) * 1e3, burnt / len(found) * 1e6)


def one_by_one(log: Log, seconds: float) -> float:
    """Rows a second without group commit: a transaction each."""
    began, count = time.perf_counter(), 0
    for row in _rows(log, None):
        _must_be_new(log.append([row]))
        count += 1
        if time.perf_counter() - began > seconds:
            break
    return count / (time.perf_counter() - began)


def _must_be_new(written: list[bool]) -> None:
    if written != [True]:
        raise RuntimeError("a decision that is new was not written; is the log used by somebody else?")


def _rows(log: Log, count: int | None, together: int = 1) -> Iterator[Successor]:
    """Decisions about different people, of some 2 KB, that rest on the log as it is a moment before; of one of so many
    callers."""
    seen, person = log.last_position(), os.urandom(6).hex()
    options = tuple(
        Option(probability=1 / _OPTIONS, channel="email", send_at=_NOW, delay=f"{n}h", argument="reminder", cost=0.001)
        for n in range(_OPTIONS)
    )
    decided = Decided(
        decision_point="cart_recovery",
        customer_id=person,
        trigger_id="cart",
        trigger_type="cart_abandoned",
        trigger_at=_NOW,
        step=1,
        arm="policy",
        mode="live",
        policy="cart-policy",
        policy_version="1",
        context={f"feature_{number}": number / 7 for number in range(30)},
        options=options,
        chosen=3,
        propensity=1 / _OPTIONS,
        terms=Terms(margin=0.5, window_hours=72.0, unsubscribe_cost=2.0, complaint_cost=5.0),
        valid_until=_NOW + timedelta(days=3),
    )
    payload, at = msgspec.json.encode(decided).decode(), microseconds(_NOW)
    for number in itertools.count() if count is None else range(count):
        user = f"{person}-{number}"
        known = seen + max(0, number - 1) * together
        yield Successor(f"dec_{user}", DECISION, at, at, user, None, payload, seen=known, ids=((user,), ()))
