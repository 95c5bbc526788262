"""Limits over all workers: what one spent is missing at the other, on every database and between real processes."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from features.database import open_database
from serving.access.buckets import Buckets, Limit
from serving.access.shared_limits import SharedLimits
from tests.waiting import PATIENCE

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def worker(engine: Engine, secret: bytes = b"a secret", rate: float = 1e-6) -> tuple[Buckets, SharedLimits]:
    buckets = Buckets(Limit("key", rate, 100), lambda: 0.0)
    return buckets, SharedLimits(engine, secret, [buckets], lambda: NOW)


def let_pass(engine: Engine, seconds: int) -> None:
    """By whichever clock counts: what was written was written earlier."""
    with engine.begin() as connection:
        connection.execute(text(f"update rate_spent set at = at - {seconds * 1_000_000}"))


def test_what_one_spends_is_missing_at_the_other(engine: Engine) -> None:
    (one, told), (other, heard) = worker(engine), worker(engine)
    for _ in range(40):
        one.take("a")
    told.exchange()
    other.take("a")
    heard.exchange()
    assert other.take("a").remaining == 100 - 40 - 2
    one.take("a")
    told.exchange()
    assert one.take("a").remaining == 100 - 40 - 1 - 1 - 1


def test_what_flowed_back_is_there_for_all(engine: Engine) -> None:
    for _ in range(2):
        buckets, shared = worker(engine, rate=1e-3)
        for _ in range(100):
            assert buckets.take("a").allowed  # until it hears of the other
        shared.exchange()
    assert not buckets.take("a").allowed
    let_pass(engine, 150_000)
    later, heard = worker(engine, rate=1e-3)
    later.take("a")
    heard.exchange()
    assert later.take("a").remaining == 100 - (200 - 150) - 1 - 1


def test_nothing_spent_is_nothing_written(engine: Engine) -> None:
    _, shared = worker(engine)
    shared.exchange()
    with engine.connect() as connection:
        assert not connection.execute(text("select * from rate_spent")).all()


def test_an_address_is_kept_as_a_keyed_hash_and_not_for_long(engine: Engine) -> None:
    for secret in (b"a secret", b"another"):
        buckets, shared = worker(engine, secret=secret)
        buckets.take("203.0.113.7")
        shared.exchange()
    later, other = worker(engine)
    later.take("b")
    with engine.connect() as connection:
        rows = connection.execute(text("select * from rate_spent")).all()
    assert len(rows) == 2  # who guesses the address still needs the secret
    assert "203.0.113" not in repr(rows)
    let_pass(engine, 11 * 60)
    other.exchange()
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from rate_spent")).scalar_one() == 1


def test_who_keeps_to_the_limit_is_let_through_after_a_database_that_hung() -> None:
    """What flowed back while nobody could be told pays for what was spent then."""
    engine, now = open_database("sqlite://"), 0.0
    buckets = Buckets(Limit("key", 10, 20), lambda: now)
    shared = SharedLimits(engine, b"a secret", [buckets], lambda: NOW + timedelta(seconds=now))
    for step in range(400):
        now += 0.1
        assert buckets.take("a").allowed
        if step % 100 == 0:
            shared.exchange()
    engine.dispose()


Step = tuple[int, float, int, bool]
"""Who, how many seconds later, how many times at once, and whether it then exchanges."""


@given(
    st.sampled_from([(4.0, 5.0), (40.0, 1.0)]),
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.4), st.integers(0, 8), st.booleans()), min_size=5),
)
def test_all_workers_together_keep_to_the_bound(limit: tuple[float, float], steps: list[Step]) -> None:
    """What a worker has not told and what another has not read: an interval each, whoever asks whom."""
    (rate, burst), now, passed = limit, 0.0, 0
    engine = open_database("sqlite://")
    workers = [Buckets(Limit("key", rate, burst), lambda: now) for _ in range(3)]
    shared = [SharedLimits(engine, b"a secret", [buckets], lambda: NOW + timedelta(seconds=now)) for buckets in workers]
    exchanged, longest = [0.0] * len(workers), 0.0
    for who, gap, times, exchange in steps:
        now += gap
        passed += sum(workers[who].take("a").allowed for _ in range(times))
        if exchange:
            shared[who].exchange()
            longest, exchanged[who] = max(longest, now - exchanged[who]), now
    engine.dispose()
    longest = max([longest, *(now - at for at in exchanged)])
    assert passed <= burst + rate * now + (len(workers) - 1) * (burst + rate * 2 * longest) + 1e-3


@pytest.mark.slow
def test_two_processes_together_keep_to_the_bound(tmp_path: Path) -> None:
    rate, burst, workers = 50.0, 20.0, 2
    database = f"sqlite:///{tmp_path / 'kairos.db'}"
    open_database(database).dispose()
    line = [sys.executable, "-m", "tests.serving.access.spender", database, str(rate), str(burst), "2.5"]
    spenders = [
        subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for spender in spenders:
        assert spender.stdin is not None
        spender.stdin.write("go\n")
        spender.stdin.flush()
    found = [json.loads(spender.communicate(timeout=PATIENCE)[0]) for spender in spenders]
    assert [spender.returncode for spender in spenders] == [0] * workers
    took = max(one["ended"] for one in found) - min(one["began"] for one in found)
    longest = max(one["longest"] for one in found)
    passed = sum(one["passed"] for one in found)
    assert burst <= passed <= burst + rate * took + (workers - 1) * (burst + rate * 2 * longest)
