"""Group commit: every caller gets its own verdicts, a failing database fails the callers and not the writer."""

import contextlib
import queue
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, text

from features.group_commit import GroupCommit
from features.log import EVENTS, Log, Record
from tests.waiting import PATIENCE


def record(key: str) -> Record:
    """A record that only its key tells from others."""
    return Record(key, "product_viewed", 1, 1, "u1", None, "{}")


class SlowLog(Log):
    """A log whose commits wait for the test, and which counts them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, EVENTS)
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.commits = 0

    def append(self, records: Sequence[Record]) -> list[bool]:
        self.begun.set()
        self.gate.wait()
        self.commits += 1
        return super().append(records)


def test_each_caller_gets_its_own_verdicts(engine: Engine) -> None:
    writer = GroupCommit(Log(engine, EVENTS))
    futures = [writer.submit([record("a"), record(str(number))]) for number in range(5)]
    verdicts = [future.result(PATIENCE) for future in futures]
    assert [new for _, new in verdicts] == [True] * 5
    assert sum(first for first, _ in verdicts) == 1
    writer.close()
    assert len(Log(engine, EVENTS).read()) == 6, "PostgreSQL counts a position on for one that was there already"


def test_what_came_during_a_commit_goes_into_the_next_one(engine: Engine) -> None:
    log = SlowLog(engine)
    writer = GroupCommit(log)
    first = writer.submit([record("first")])
    log.begun.wait()
    others = [writer.submit([record(str(number))]) for number in range(50)]
    assert not first.done()
    log.gate.set()
    assert first.result(PATIENCE) == [True]
    assert [future.result(PATIENCE) for future in others] == [[True]] * 50
    assert log.commits == 2
    writer.close()


def test_a_full_queue_refuses_instead_of_growing(engine: Engine) -> None:
    log = SlowLog(engine)
    writer = GroupCommit(log, capacity=2)
    writer.submit([record("taken")])
    log.begun.wait()
    futures = [writer.submit([record(str(number))]) for number in range(2)]
    assert writer.waiting() == 2
    with pytest.raises(queue.Full):
        writer.submit([record("too many")])
    log.gate.set()
    assert [future.result(PATIENCE) for future in futures] == [[True], [True]]
    writer.close()


def test_a_broken_database_fails_the_callers_and_the_writer_recovers(engine: Engine) -> None:
    writer = GroupCommit(Log(engine, EVENTS))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE event RENAME TO gone"))
    failure = writer.submit([record("a")]).exception(PATIENCE)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO event"))
    assert failure is not None
    assert writer.submit([record("a")]).result(PATIENCE) == [True]
    writer.close()


def test_closing_commits_what_waits(engine: Engine) -> None:
    writer = GroupCommit(Log(engine, EVENTS))
    future = writer.submit([record("a")])
    writer.close()
    assert future.result(0) == [True]
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit([record("b")])


def test_a_caller_who_gives_up_takes_nobody_with_him(engine: Engine) -> None:
    log = SlowLog(engine)
    writer = GroupCommit(log)
    running = writer.submit([record("running")])
    log.begun.wait()
    gone, patient = writer.submit([record("gone")]), writer.submit([record("patient")])
    assert not running.cancel()
    assert gone.cancel()
    log.gate.set()
    assert [running.result(PATIENCE), patient.result(PATIENCE)] == [[True], [True]]
    assert writer.submit([record("later")]).result(PATIENCE) == [True]
    assert {found.key for found in log.read()} == {"running", "patient", "later"}
    writer.close()


def test_nothing_is_accepted_and_then_forgotten_while_the_writer_closes(engine: Engine) -> None:
    for _ in range(20):
        writer = GroupCommit(Log(engine, EVENTS))
        closer = threading.Thread(target=writer.close)
        closer.start()
        accepted = []
        with contextlib.suppress(RuntimeError):
            accepted.extend(writer.submit([record(str(number))]) for number in range(50))
        closer.join()
        assert all(future.done() for future in accepted)
