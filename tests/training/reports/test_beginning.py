"""A report begins to read where its window does, and finds that without reading what is before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.database import open_database
from features.log import EVENTS, Log, Record, microseconds
from training.reports.beginning import beginning

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def log_of(days: list[float]) -> Log:
    """One record received on each of these days after `START`, in this order."""
    log = Log(open_database("sqlite://"), EVENTS)
    at = [microseconds(START + DAY * day) for day in days]
    log.append([Record(str(place), "t", when, when, None, None, "{}") for place, when in enumerate(at)])
    return log


@given(st.lists(st.integers(0, 50), max_size=40).map(sorted), st.integers(-5, 60))
def test_nothing_of_the_window_is_before_it_and_hardly_anything_else_behind(days: list[int], since: int) -> None:
    after = beginning(log_of([float(day) for day in days]), START + DAY * since)
    assert after == sum(day < since - 1 for day in days)


@pytest.mark.parametrize("waited", [0.1, 0.9])
def test_what_waited_on_a_disk_hides_nothing(waited: float) -> None:
    days = [day / 10 for day in range(300)]
    for late in range(150, 300, 7):
        days[late] -= waited
    log = log_of(days)
    for since in (0, 14, 15, 16, 29):
        after = beginning(log, START + DAY * since)
        assert all(day < since for day in days[:after])
        assert after >= since * 10 - 20


def test_the_newest_rows_may_be_erased_while_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of([float(day) for day in range(20)])
    monkeypatch.setattr(log, "last_position", lambda: 90)
    assert beginning(log, START + DAY * 15) == 14


def test_positions_may_have_gaps() -> None:
    log = log_of([float(day) for day in range(100)])
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM event WHERE position % 3 != 0 OR position BETWEEN 30 AND 60")
    (first, *_) = log.read(beginning(log, START + DAY * 45))
    assert first.position == 63
    assert beginning(log_of([]), START) == 0
