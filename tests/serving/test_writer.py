"""Acknowledged means on disk: whatever the database does, a record is in the log or the journal, and at last once in
the log."""

import asyncio
import itertools
import os
import re
import shlex
import struct
import subprocess
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DataError, OperationalError

from features.database import open_database
from features.group_commit import GroupCommit
from features.log import DECISIONS, Log, Record
from serving.problems import Refused
from serving.writer import Writer
from tests.waiting import PATIENCE, until

DECISION = "decision"


class Moody(Log):
    """A log whose database can be taken away: it raises, or it hangs."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine, DECISIONS)
        self.mood = "well"
        self.awake = threading.Event()

    def append(self, records: Sequence[Record]) -> list[bool]:
        if self.mood == "away":
            raise OperationalError("insert", {}, Exception("database or disk is full"))
        if self.mood == "hangs":
            self.awake.wait()
        if any("poison" in record.payload for record in records):
            raise DataError("insert", {}, Exception("no such number"))
        return super().append(records)

    def last_position(self) -> int:
        if self.mood == "away":
            raise OperationalError("select", {}, Exception("connection refused"))
        if self.mood == "hangs":
            self.awake.wait()
        return super().last_position()


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moody]:
    """Nothing that is on its way to the disk is left behind, unless the database hangs."""
    for left in ("writer", "replay"):
        monkeypatch.setattr(f"serving.{left}._LEAVE_SECONDS", PATIENCE)
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    found = Moody(engine)
    yield found
    found.awake.set()
    engine.dispose()


SOON = 0.1
"""Seconds for a commit where the database hangs. Everywhere else it has all the time that a busy disk may take."""


def writer_of(log: Log, tmp_path: Path, capacity: int = 1 << 20, **more: Any) -> Writer:
    return Writer(GroupCommit(log), tmp_path / "journal", capacity, PATIENCE, (DECISION,), **more)


numbers = itertools.count()


def records(count: int = 1, kind: str = "recommendation", payload: str = "{}") -> list[Record]:
    return [Record(f"r{next(numbers)}", kind, 1, 1, "u", None, payload) for _ in range(count)]


def keys(log: Log) -> list[str]:
    return [record.key for part in Log(log.engine, DECISIONS).scan() for record in part]


@pytest.mark.parametrize("mood", ["away", "hangs"])
def test_nothing_is_lost_or_doubled_while_the_database_is_gone(log: Moody, tmp_path: Path, mood: str) -> None:
    heard = []
    writer = writer_of(log, tmp_path, replayed=lambda: heard.append(True))
    before, during, after = records(3), records(5), records(2)
    assert writer.submit(before).result(PATIENCE) == [True] * 3
    log.mood, writer.patience = mood, SOON
    for one in during:
        assert writer.submit([one]).result(PATIENCE) == [True]
    assert writer.breaker.state != "closed"
    assert writer.submit(before).result(PATIENCE) == [True] * 3, "of what is journaled nobody knows whether it is new"
    assert writer.journaled > 0
    log.mood, writer.patience = "well", PATIENCE
    log.awake.set()
    until(lambda: writer.breaker.state == "closed" and not writer.journaled, "the log is written again")
    assert writer.submit(after).result(PATIENCE) == [True] * 2
    assert heard
    writer.close()
    assert sorted(keys(log)) == sorted(record.key for record in (*before, *during, *after))
    assert not list((tmp_path / "journal").iterdir())


@pytest.mark.parametrize("mood", ["away", "hangs"])
def test_what_the_database_must_arbitrate_is_refused_at_once_once_it_is_gone(
    log: Moody, tmp_path: Path, mood: str
) -> None:
    writer = writer_of(log, tmp_path)
    log.mood, writer.patience = mood, SOON
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            writer.submit(records(kind=DECISION)).result(PATIENCE)
        assert refused.value.code == "storage_unavailable"
    assert not writer.journaled
    log.mood, writer.patience = "well", PATIENCE
    log.awake.set()
    until(lambda: writer.breaker.state == "closed", "decisions are taken again")
    assert writer.submit(records(kind=DECISION)).result(PATIENCE) == [True]
    writer.close()


def test_without_log_and_room_in_the_journal_nobody_is_promised_anything(log: Moody, tmp_path: Path) -> None:
    writer = writer_of(log, tmp_path, capacity=300)
    log.mood = "away"
    small, large = records(1), records(50)
    answers = [writer.submit(small), writer.submit(large)]
    wait(answers, PATIENCE)
    assert answers[0].result() == [True]
    assert isinstance(answers[1].exception(), Refused)
    log.mood = "well"
    until(lambda: not writer.journaled, "the journal is empty")
    writer.close()
    assert keys(log) == [small[0].key]


def test_a_killed_process_leaves_its_journal_to_the_living(log: Moody, tmp_path: Path) -> None:
    doomed = writer_of(log, tmp_path)
    log.mood = "away"
    kept = records(4)
    assert doomed.submit(kept).result(PATIENCE) == [True] * 4
    doomed._replay.close()
    doomed._replay._thread.join(PATIENCE)
    assert doomed._journal is not None
    os.close(os.dup(doomed._journal._file))
    doomed._journal.close()
    log.mood = "well"
    heir = writer_of(log, tmp_path, admitted=lambda records: [one for one in records if one.key != kept[1].key])
    until(lambda: len(keys(log)) == 3, "the heir wrote them")
    heir.close()
    assert keys(log) == [record.key for record in kept if record is not kept[1]], "who was erased meanwhile stays away"


def test_before_a_disk_is_deleted_the_page_finds_what_is_not_in_the_database(log: Moody, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/deploying.md").read_text()
    (line,) = re.findall(r"`(find /journal .+?)`", page)
    command = shlex.split(line.replace("/journal", str(tmp_path / "journal"), 1))

    def found() -> list[str]:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [Path(name).suffix for name in told.splitlines()]

    writer_of(log, tmp_path).close()
    assert not found(), "who ends well leaves nothing"
    log.mood = "away"
    killed = writer_of(log, tmp_path)
    killed.submit(records(payload="poison")).result(PATIENCE)
    killed.close()
    living = writer_of(log, tmp_path)
    assert not living.journaled, "so what the metric says is not enough"
    living.close()
    assert found() == [".journal"]
    log.mood = "well"
    heir = writer_of(log, tmp_path)
    until(lambda: ".jsonl" in found(), "it was taken up and put aside")
    heir.close()
    assert found() == [".jsonl"]


def test_a_file_that_nobody_can_read_does_not_keep_others_from_the_log(
    log: Moody, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    body = b"of another version"
    (folder / "old.journal").write_bytes(struct.pack("<II", len(body), zlib.crc32(body)) + body)
    opened = []
    writer = writer_of(log, tmp_path)
    writer.breaker.failed = lambda: opened.append(True)  # type: ignore[method-assign]
    until(lambda: "replaying the journal failed" in caplog.text, "somebody is told")
    assert writer.submit(records(1)).result(PATIENCE) == [True]
    assert not opened
    assert not writer.journaled
    writer.close()


def test_what_no_database_takes_is_put_aside_and_holds_up_nobody(log: Moody, tmp_path: Path) -> None:
    writer = writer_of(log, tmp_path)
    log.mood = "away"
    good, bad = records(3), records(payload="poison")
    writer.submit([*good[:2], *bad, good[2]]).result(PATIENCE)
    log.mood = "well"
    until(lambda: not writer.journaled and writer.breaker.state == "closed", "the good ones are in the log")
    assert keys(log) == [record.key for record in good]
    assert bad[0].key in (tmp_path / "journal" / "rejected.jsonl").read_text()
    with pytest.raises(DataError):
        writer.submit(records(payload="poison")).result(PATIENCE)
    assert writer.breaker.state == "closed", "a wrong record is no outage"
    writer.close()


def test_closing_writes_what_waits_even_when_the_database_hangs(
    log: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for left in ("writer", "replay"):
        monkeypatch.setattr(f"serving.{left}._LEAVE_SECONDS", SOON)
    writer = writer_of(log, tmp_path)
    log.mood, writer.patience = "hangs", SOON
    answers = [writer.submit(one) for one in (records(), records(), records())]
    wait(answers, PATIENCE)
    late = writer.submit(records())
    closing = threading.Thread(target=writer.close)
    closing.start()
    assert late.result(PATIENCE) == [True]
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert list((tmp_path / "journal").iterdir()), "it waits for whoever comes next"


def test_what_arrives_in_one_tick_is_handed_over_at_once(
    log: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_of(log, tmp_path)
    real, sizes = writer.commits.submit, list[int]()

    def submit(some: Sequence[Record]) -> Any:
        sizes.append(len(some))
        return real(some)

    monkeypatch.setattr(writer.commits, "submit", submit)

    async def together() -> list[list[bool]]:
        return await asyncio.gather(*(writer.written(records()) for _ in range(3)))

    assert asyncio.run(together()) == [[True]] * 3
    assert sizes == [3]
    assert len(keys(log)) == 3
    writer.close()
