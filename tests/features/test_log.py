"""The log: a key counts once, positions rise, and what was acknowledged survives `kill -9`; on both databases."""

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, moment

ROOT = Path(__file__).parents[2]


def record(key: str, user: str | None = "u1", anonymous: str | None = None, at: int = 1) -> Record:
    """A record that only its key tells from others."""
    return Record(key, "product_viewed", at, at, user, anonymous, '{"lines":[{"product_id":"é\\u0000"}]}')


def test_a_key_counts_once(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    assert log.append([record("a"), record("b"), record("a")]) == [True, True, False]
    assert log.append([record("b"), record("c")]) == [False, True]
    assert [row.key for row in log.read()] == ["a", "b", "c"]
    assert log.append([]) == []


def test_what_was_written_is_what_is_read(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    written = [record("a", None, "x", 2**53), record("b", "ü/🛒", None, -5)]
    log.append(written)
    read = log.read()
    assert [(r.key, r.type, r.occurred_at, r.user_id, r.anonymous_id, r.payload) for r in read] == [
        (r.key, r.type, r.occurred_at, r.user_id, r.anonymous_id, r.payload) for r in written
    ]


def test_events_and_decisions_are_two_logs(engine: Engine) -> None:
    Log(engine, EVENTS).append([record("a")])
    assert Log(engine, DECISIONS).append([record("a")]) == [True]
    assert Log(engine, DECISIONS).last_position() == 1


def test_a_reader_that_remembers_its_position_misses_nothing(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append([record(str(number)) for number in range(7)])
    whole = log.read()
    assert log.last_position() == whole[-1].position
    assert [row for batch in log.scan(batch=2) for row in batch] == whole
    middle = whole[3].position
    assert [row for batch in log.scan(after=middle, batch=2) for row in batch] == whole[4:]
    assert [row for batch in log.scan(upto=middle, batch=3) for row in batch] == whole[:4]


def test_a_record_is_found_by_its_key_and_records_by_their_types(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append([record("a"), replace(record("b"), type="order_completed"), record("c")])
    found = log.find("b")
    assert found is not None
    assert (found.key, found.type) == ("b", "order_completed")
    assert log.find("B") is None
    assert log.read(types=("order_completed", "order_refunded")) == [found]
    assert [row.key for row in log.read(types=("product_viewed",))] == ["a", "c"]
    assert [row.key for row in log.read(found.position, types=("product_viewed",))] == ["c"]
    assert log.read(types=("order_refunded",)) == []


def test_a_person_is_found_by_any_id_newest_kept_oldest_first(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append([record("a"), record("b", None, "x"), record("c", "u2"), record("d"), record("e", "u1", "x")])
    assert [row.key for row in log.of_person(["u1"], ["x"])] == ["a", "b", "d", "e"]
    assert [row.key for row in log.of_person(["u1"], [], limit=2)] == ["d", "e"]
    assert [row.key for row in log.of_person([], ["x"], after=2)] == ["e"]
    assert log.of_person([], []) == []


def test_what_a_feature_row_does_not_know_is_found_before_its_position_too(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append([record("early", at=1), record("ahead", at=9), record("late", at=2)])
    assert [row.key for row in log.of_person(["u1"], [], after=2)] == ["late"]
    assert [row.key for row in log.of_person(["u1"], [], after=2, since=moment(9))] == ["ahead", "late"]
    assert [row.key for row in log.of_person(["u1"], [], limit=2, before=moment(9))] == ["early", "late"]


def test_writers_side_by_side_lose_and_double_nothing(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    news: list[int] = []

    def write() -> None:
        batches = [[record(str(key)) for key in range(start, start + 4)] for start in range(0, 40, 4)]
        news.extend(sum(log.append(batch)) for batch in batches)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.key for row in log.read()) == sorted(str(key) for key in range(40))
    assert sum(news) >= 40


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_survive_to_the_microsecond(at: datetime) -> None:
    assert moment(microseconds(at)) == at


WRITER = """
import sys
from features.database import open_database
from features.group_commit import GroupCommit
from features.log import EVENTS, Log, Record
writer = GroupCommit(Log(open_database(sys.argv[1]), EVENTS))
number = 0
while True:
    futures = [(n, writer.submit([Record(str(n), "x", n, n, "u", None, "{}")])) for n in range(number, number + 20)]
    number += 20
    for n, future in futures:
        future.result()
        print(n, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    acknowledged = 0
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(200):
            acknowledged = max(acknowledged, int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        with process.stdout as output:
            rest = output.read().split("\n")[:-1]
        process.wait()
        acknowledged = max([acknowledged, *map(int, rest)])
        kept = {row.key for batch in Log(open_database(url), EVENTS).scan() for row in batch}
        assert kept >= {str(number) for number in range(acknowledged + 1)}


@pytest.mark.parametrize("count", [1, 3, 4, 5, 15, 21, 64, 85, 150])
def test_a_batch_of_any_size_is_written_whole_and_in_its_order(engine: Engine, count: int) -> None:
    log, keys = Log(engine, EVENTS), [f"k{number}" for number in range(count)]
    log.append([record(keys[-1])])
    assert log.append([record(key) for key in [*keys, "new"]]) == [True] * (count - 1) + [False, True]
    assert [row.key for row in log.read()] == [keys[-1], *keys[:-1], "new"]
