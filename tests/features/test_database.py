"""Who waits for whom in the database: each kind of work has a lock of its own. What the driver raises is wrapped."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError

from features.database import connect_to, is_outage, write_ahead, writing_by_driver
from features.log import EVENTS, Log

ROOT = Path(__file__).parents[2]
LOCK = re.compile(r"^_\w*LOCK = ([\d_]+)$", re.MULTILINE)
INSERT = "INSERT INTO event (key, type, occurred_at, received_at, payload) VALUES ('k', 't', 1, 1, '{}')"
WRITES = re.compile(r"(with|return) writing(_by_driver)?\(")


def test_no_two_modules_take_the_same_advisory_lock() -> None:
    paths = [
        path for floor in ("features", "training", "serving", "pipelines") for path in (ROOT / floor).rglob("*.py")
    ]
    numbers = {path: LOCK.findall(text) for path in paths if WRITES.search(text := path.read_text())}
    assert {path.name for path, found in numbers.items() if len(found) != 1} == set(), "a number that is not seen here"
    assert len({int(number) for (number,) in numbers.values()}) == len(numbers) > 9


def test_who_opens_a_new_file_that_another_just_writes_waits_for_the_end_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two processes that start together, where one turns the file into one with a log of writes."""
    path, waited = tmp_path / "kairos.db", list[float]()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                other.execute("COMMIT")

        monkeypatch.setattr(write_ahead.retry, "sleep", wait)  # type: ignore[attr-defined]
        other.execute("BEGIN IMMEDIATE")
        with connect_to(f"sqlite:///{path}").connect() as connection:
            assert not other.in_transaction
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert len(waited) == 3


def test_what_fails_in_a_transaction_of_the_driver_is_taken_back_and_raised_as_sqlalchemys(engine: Engine) -> None:
    def write(*more: str) -> None:
        with writing_by_driver(engine, 1) as cursor:
            for statement in (INSERT, *more):
                cursor.execute(statement)

    with pytest.raises(DBAPIError):
        write("SELECT nothing FROM nowhere")
    assert Log(engine, EVENTS).read() == []
    write()
    assert [record.key for record in Log(engine, EVENTS).read()] == ["k"]


def test_a_database_that_cannot_be_reached_is_an_outage(tmp_path: Path) -> None:
    with pytest.raises(DBAPIError) as caught, writing_by_driver(create_engine(f"sqlite:///{tmp_path}"), 1):
        pass
    assert is_outage(caught.value)


def test_a_server_that_ends_a_connection_is_an_outage_and_the_next_one_is_another(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = connect_to(postgresql_url)

    def write(*more: str) -> None:
        with writing_by_driver(engine, 1) as cursor:
            for statement in ("SELECT 1", *more):
                cursor.execute(statement)

    with pytest.raises(DBAPIError) as caught:
        write("SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_outage(caught.value)
    write()
    engine.dispose()
    assert not [record for record in caplog.records if record.name.startswith("sqlalchemy")]
