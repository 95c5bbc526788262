"""Reading by the driver alone finds what SQLAlchemy finds, raises what it raises, and writes nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from features.database import is_outage, open_database
from features.log import EVENTS, Log, Record
from features.selecting import Select, by_driver, by_engine, is_file

WAYS: tuple[Callable[[Engine], Select], ...] = (by_engine, by_driver)


def record(number: int) -> Record:
    return Record(f"k{number}", "product_viewed", number, number, "u", None, "{}")


@pytest.mark.parametrize("way", WAYS)
def test_every_thread_reads_what_was_committed_a_moment_before(engine: Engine, way: Callable[[Engine], Select]) -> None:
    log = Log(engine, EVENTS, way(engine))
    with ThreadPoolExecutor(2) as threads:
        for number in range(1, 5):
            log.append([record(number)])
            found = [log.of_person(("u",), ()), *(threads.submit(log.of_person, ("u",), ()).result() for _ in range(2))]
            assert [[one.key for one in records] for records in found] == [[f"k{n}" for n in range(1, number + 1)]] * 3
            assert log.last_position() == number


@pytest.mark.parametrize("way", WAYS)
def test_what_the_database_refuses_is_raised_as_sqlalchemys(engine: Engine, way: Callable[[Engine], Select]) -> None:
    select = way(engine)
    with pytest.raises(DBAPIError):
        select("SELECT nothing FROM nowhere", ())
    assert [tuple(row) for row in select("SELECT 1, 'a'", ())] == [(1, "a")]


@pytest.mark.parametrize("way", WAYS)
def test_a_block_reads_as_often_as_it_likes_and_what_fails_in_it_leaves_nothing_behind(
    engine: Engine, way: Callable[[Engine], Select]
) -> None:
    select = way(engine)
    with select.together() as read:
        assert [tuple(row) for number in ("1", "2") for row in read(f"SELECT {number}", ())] == [(1,), (2,)]
    with pytest.raises(DBAPIError), select.together() as read:
        read("SELECT nothing FROM nowhere", ())
    with select.together() as read:
        assert [tuple(row) for row in read("SELECT 3", ())] == [(3,)]


def test_a_file_is_only_read_and_one_that_is_locked_is_an_outage(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    assert is_file(engine)
    assert not is_file(open_database("sqlite://"))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")  # else readers pass by who has locked it
        select = by_driver(engine, 0.0)
        with pytest.raises(OperationalError, match="readonly"):
            select("DELETE FROM event", ())
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError, match="locked") as caught:
            select("SELECT 1 FROM event", ())
    assert is_outage(caught.value)
    assert select("SELECT 1 FROM event", ()) == []
