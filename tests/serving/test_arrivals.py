"""Counts of what did not get in: whoever asks for the table finds in it also what another thread was just writing, and
a table that takes nothing any more holds nobody up."""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

import serving.arrivals
import serving.follower
from features.arrivals import Why
from serving.arrivals import ArrivalCounts, counting_arrivals
from serving.measures import Counter as Measured
from tests.serving.world import NOW
from tests.waiting import PATIENCE

WHY = Why("rejected", "of the test")


class Table:
    """Stands for the table; takes its time until it may `go_on`."""

    def __init__(self) -> None:
        self.counts: Counter[Why] = Counter()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def add(self, counts: Mapping[Why, int], at: datetime) -> None:
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        self.counts.update(counts)


def test_whoever_writes_waits_for_who_is_writing() -> None:
    table: Any = Table()
    counts, found = ArrivalCounts(table, lambda: NOW), list[int]()
    counts.add([WHY])

    def look() -> None:
        counts.write()
        found.append(table.counts[WHY])

    writing, looking = threading.Thread(target=counts.write), threading.Thread(target=look)
    writing.start()
    assert table.begun.wait(PATIENCE)
    looking.start()
    looking.join(0.2)  # if it does not wait, it is over by now
    table.go_on.set()
    for thread in (writing, looking):
        thread.join(PATIENCE)
    assert found == [1]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """In place of the table of any database, for whose last counts there is all the time of a test."""
    found = Table()
    monkeypatch.setattr(serving.follower, "_LEAVE_SECONDS", PATIENCE)
    monkeypatch.setattr(serving.arrivals, "Arrivals", lambda engine: found)
    return found


def counting(failures: Measured) -> Any:
    nothing: Any = None
    return counting_arrivals(nothing, lambda: NOW, failures)


def test_what_was_counted_last_is_written_at_the_end(table: Table) -> None:
    table.go_on.set()
    with counting(Measured("failures", "of the test")) as counts:
        counts.add([WHY, WHY])
    assert table.counts == {WHY: 2}


def test_a_table_that_cannot_be_written_at_the_end_is_logged_and_stops_nobody(
    table: Table, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = Measured("failures", "of the test")

    def add(counts: Mapping[Why, int], at: datetime) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(table, "add", add)
    with counting(failures) as counts:
        counts.add([WHY, WHY])
    assert "2 messages that did not get in are counted nowhere" in caplog.text
    assert failures.state()[()][0] >= 1


@pytest.mark.parametrize("more", [0, 3])
def test_a_table_that_hangs_does_not_hold_up_the_end(
    table: Table, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, more: int
) -> None:
    monkeypatch.setattr(serving.follower, "_LEAVE_SECONDS", 0.2)
    monkeypatch.setattr(serving.arrivals, "_SECONDS", 0.01)

    def count() -> None:
        with counting(Measured("failures", "of the test")) as counts:
            counts.add([WHY])
            assert table.begun.wait(PATIENCE)
            counts.add([WHY] * more)

    ending = threading.Thread(target=count, daemon=True)
    ending.start()
    ending.join(PATIENCE)
    over = not ending.is_alive()
    table.go_on.set()
    assert over
    assert f"{1 + more} messages that did not get in are counted nowhere" in caplog.text
