"""Limits over all workers: what one spent is missing at the other, on every database and between real processes."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from features.database import open_database
from serving.access.buckets import Buckets, Limit
from serving.access.shared_limits import SharedLimits
from tests.waiting import PATIENCE

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def worker(engine: Engine, now: datetime = NOW, secret: bytes = b"a secret") -> tuple[Buckets, SharedLimits]:
    buckets = Buckets(Limit("key", 1, 100), lambda: 0.0)
    return buckets, SharedLimits(engine, secret, [buckets], lambda: now)


def test_what_one_spends_is_missing_at_the_other(engine: Engine) -> None:
    (one, told), (other, heard) = worker(engine), worker(engine)
    for buckets, shared in ((one, told), (other, heard)):
        buckets.take("a")
        shared.exchange()
    for _ in range(40):
        one.take("a")
    told.exchange()
    other.take("a")
    heard.exchange()
    assert other.take("a").remaining == 100 - 1 - 40 - 2
    one.take("a")
    told.exchange()
    assert one.take("a").remaining == 100 - 1 - 40 - 1 - 2 - 1


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
    later, other = worker(engine, NOW + timedelta(minutes=11))
    later.take("b")
    with engine.connect() as connection:
        rows = connection.execute(text("select * from rate_spent")).all()
    assert len(rows) == 2  # who guesses the address still needs the secret
    assert "203.0.113" not in repr(rows)
    other.exchange()
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from rate_spent")).scalar_one() == 1


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
    assert sum(one["passed"] for one in found) <= burst + rate * took + (workers - 1) * (burst + rate * longest) + 1
    assert min(one["passed"] for one in found) >= burst
