"""Doing alone: one of several works, on every database; who is killed or sleeps through the lease is followed."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from features.alone import Taken, alone, by_the_lock
from features.database import open_database
from features.history import compact, drop
from features.history_part import write_part
from features.lease import Lease
from features.log import microseconds
from features.privacy.parquet import HistoryFiles
from features.privacy.retention import prune
from features.snapshots import build
from pipelines.learn import learn_once
from tests.features.leases import AGES
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
SHORT = timedelta(seconds=0.5)
LONG = timedelta(seconds=2)

now = partial(datetime.now, UTC)
HOLDER = """
import sys, time
from datetime import UTC, datetime
from functools import partial
from features.alone import alone
from features.database import open_database
from tests.features.leases import AGES
with alone(open_database(sys.argv[1]), "x", partial(datetime.now, UTC), lasting=AGES):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_works_and_the_others_are_told_who(engine: Engine) -> None:
    with alone(engine, "x", now, lasting=AGES) as hold:
        with (
            pytest.raises(Taken, match=r"^x: .*process \d+ does this now, at least until .* wait for it"),
            alone(engine, "x", now, lasting=AGES),
        ):
            raise AssertionError("there are two")
        with alone(engine, "y", now):
            hold.check()
    with alone(engine, "x", now):
        assert Lease(engine, "x", "", SHORT).holder() is not None
    assert Lease(engine, "x", "", SHORT).holder() is None


def test_it_is_kept_for_as_long_as_the_work_takes(engine: Engine) -> None:
    """Nobody else gets it, or, where all of this process stood still for longer than it lasts, who had it hears of it:
    another gets it only once it has ended, which is no sooner than `lasting` after it was asked for last."""
    with alone(engine, "x", now, lasting=LONG) as hold:
        first = _ends(engine)
        until(lambda: _ends(engine) > first + LONG, "it is kept when it would have ended")
        until(lambda: not _lost(hold.check), "it is ours, on a machine that stood still as well")
        with suppress(Taken), alone(engine, "x", now, lasting=LONG):
            assert _lost(hold.check), "there are two"


def test_who_is_patient_waits_for_the_other(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, seen, order = threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        with alone(engine, "x", now, lasting=AGES):
            entered.set()
            assert seen.wait(PATIENCE)
            order.append("first")

    def sleep(seconds: float) -> None:
        """The first ends only when the second has seen it."""
        seen.set()
        time.sleep(seconds)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(PATIENCE)
    monkeypatch.setattr("features.alone.time", SimpleNamespace(sleep=sleep, clock_gettime=time.clock_gettime))
    with alone(engine, "x", now, patience=timedelta(seconds=PATIENCE), lasting=AGES):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_who_was_stopped_for_longer_than_its_patience_looks_once_more(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other ended meanwhile; what was seen before says nothing of then."""
    stopped, clock_gettime = 0.0, time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: clock_gettime(clock) + stopped)
    other, looked = Lease(engine, "x", "another", AGES), Lease.hold
    assert other.hold(now())

    def slow(lease: Lease, at: datetime) -> bool:
        nonlocal stopped
        found = looked(lease, at)
        stopped += 60
        other.release()
        return found

    monkeypatch.setattr(Lease, "hold", slow)
    with alone(engine, "x", now, patience=timedelta(seconds=30), lasting=AGES) as hold:
        assert hold.lease.holder() is not None


def test_after_a_holder_that_was_killed_another_begins(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", HOLDER, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as doomed:
        assert doomed.stdout is not None
        assert doomed.stdout.readline() == "held\n"
        doomed.kill()
    with pytest.raises(Taken, match=f"process {doomed.pid} "), alone(engine, "x", now, lasting=AGES):
        raise AssertionError("the lease outlives its holder")
    later = {"gone": AGES // timedelta(microseconds=1)}
    with engine.begin() as connection:
        connection.execute(text("UPDATE lease SET until = until - :gone"), later)
    with alone(engine, "x", now, lasting=AGES):
        pass


def test_a_lease_counts_from_before_it_was_asked_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowed(asked: Callable[[Lease, datetime], bool]) -> Callable[[Lease, datetime], bool]:
        def slow(lease: Lease, now: datetime) -> bool:
            found = asked(lease, now)
            time.sleep(2 * lease.lasting.total_seconds())
            return found

        return slow

    for name in ("hold", "renew"):
        monkeypatch.setattr(Lease, name, slowed(getattr(Lease, name)))
    with alone(engine, "x", now, lasting=SHORT / 5) as held, pytest.raises(Taken, match="did not get to keep"):
        held.check()


def test_who_slept_through_the_lease_hears_of_it(engine: Engine) -> None:
    with alone(engine, "x", now, lasting=LONG) as hold:
        ends = {"ends": microseconds(now() + 1.9 * LONG)}
        with engine.begin() as connection:
            connection.execute(text("UPDATE lease SET owner = 'another', until = :ends"), ends)
        until(lambda: _lost(hold.check), "it hears that another holds it")
    assert Lease(engine, "x", "", SHORT).holder() is not None, "nobody gives back what another holds"


def test_who_was_suspended_with_the_machine_hears_of_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the thread that keeps the lease comes round; `time.monotonic` stands still meanwhile."""
    suspended, clock_gettime = timedelta(0), time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: clock_gettime(clock) + suspended.total_seconds())
    with alone(engine, "x", now, lasting=timedelta(hours=1)) as hold:
        hold.check()
        suspended = timedelta(hours=2)
        with pytest.raises(Taken, match="did not get to keep"):
            hold.check()


def test_who_slept_through_the_lease_of_another_that_has_ended_hears_of_it_for_ever(engine: Engine) -> None:
    with alone(engine, "x", now, lasting=SHORT) as hold:
        Lease(engine, "x", hold.lease.owner, SHORT).release()  # as if another had taken it and given it back
        until(lambda: _lost(hold.check), "it hears that it may have been another's")
        time.sleep(2 * SHORT.total_seconds())
        assert _lost(hold.check)
        assert hold.lease.holder() is None, "nobody takes again what may have been another's meanwhile"


def test_who_could_not_ask_goes_on_when_nobody_came_between(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(engine, "x", now, lasting=SHORT) as hold:
        gone = OperationalError("", None, OSError("the database is away"))
        monkeypatch.setattr(Lease, "renew", partial(_raise, gone))
        until(lambda: _lost(hold.check), "it hears that nobody knows")
        monkeypatch.undo()
        until(lambda: not _lost(hold.check), "it is renewed, as nobody had taken it")


def test_clocks_of_machines_that_share_a_postgresql_may_differ(postgresql_url: str) -> None:
    engine = open_database(postgresql_url)
    behind, right, ahead = (lambda by=by: now() + by for by in (-10 * AGES, timedelta(0), 1.5 * AGES))
    for mine in (behind, right, ahead):
        with alone(engine, "clocks", mine, lasting=AGES) as hold:
            for theirs in (behind, right, ahead):
                with pytest.raises(Taken), alone(engine, "clocks", theirs, lasting=AGES):
                    raise AssertionError("there are two")
            hold.check()
    engine.dispose()


def _raise(error: Exception, *_: object) -> None:
    raise error


def _ends(engine: Engine) -> datetime:
    held = Lease(engine, "x", "", LONG).holder()
    assert held is not None
    return held[1]


def _lost(check: object) -> bool:
    try:
        check()  # type: ignore[operator]
    except Taken:
        return True
    return False


@pytest.mark.parametrize("work", [compact, drop, write_part, HistoryFiles, prune, build, learn_once])
def test_who_asks_no_lease_says_so_by_one_name(work: Callable[..., object]) -> None:
    assert signature(work).parameters["still_alone"].default is by_the_lock
