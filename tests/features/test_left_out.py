"""Events that cannot be read stop no compaction, and are told as long as the log has them."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from features import left_out
from features.history import compact, drop
from features.log import EVENTS, Log, Record
from features.privacy.log_rows import take_out
from tests.features.shop import bought, log_of

NOON = 1_767_225_600_000_000


def test_events_that_cannot_be_read_are_left_out_and_told_until_they_are_corrected(tmp_path: Path) -> None:
    damaged = [Record(f"b{number}", "product_viewed", 1, 1, "u1", None, '{"lines":3}') for number in range(25)]
    log = log_of([bought("u1", 1, "o1", "p"), *damaged, bought("u1", 2, "o2", "p")])
    first = compact(log, tmp_path, 4, positions_per_part=10)
    assert (first.rows, first.position, first.unreadable) == (2, 27, 25)
    assert first.unreadable_at == tuple(range(2, 22))
    log.append([bought("u1", 3, "o3", "p"), Record("c", "product_viewed", 1, 1, "u1", None, "[]")])
    again = compact(log, tmp_path, 4)
    assert (again.rows, again.position, again.unreadable, again.unreadable_at) == (1, 29, 26, first.unreadable_at)
    assert compact(log, tmp_path, 4).unreadable == 26, "nobody forgets them"
    with log.engine.begin() as connection:
        connection.execute(EVENTS.update().where(EVENTS.c.position.in_(range(2, 27))).values(payload="{}"))
    drop(tmp_path)
    whole = compact(log, tmp_path, 4)
    assert (whole.rows, whole.unreadable, whole.unreadable_at) == (28, 1, (29,))


def test_events_that_cannot_be_read_are_told_no_more_when_they_are_gone(engine: Engine, tmp_path: Path) -> None:
    log = Log(engine, EVENTS)
    log.append([Record(f"b{number}", "product_viewed", NOON, NOON, "u1", None, "[]") for number in range(40)])
    assert compact(log, tmp_path, 4).unreadable == 40
    old = EVENTS.c.position <= 30
    with engine.begin() as connection:
        take_out(connection, EVENTS, old)
    found = compact(log, tmp_path, 4)
    assert (found.unreadable, found.unreadable_at) == (10, tuple(range(31, 41)))
    log.append([Record("c", "product_viewed", NOON, NOON, "u2", None, "[]")])
    with engine.begin() as connection:
        take_out(connection, EVENTS, EVENTS.c.position >= 35)
    assert compact(log, tmp_path, 4).unreadable_at == (31, 32, 33, 34)
    with engine.begin() as connection:
        take_out(connection, EVENTS, EVENTS.c.position > 0)
    for _ in range(2):
        assert compact(log, tmp_path, 4).unreadable == 0


def test_of_very_many_that_cannot_be_read_the_first_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_out, "KEPT", 5)
    log = log_of([Record(f"b{number}", "product_viewed", NOON, NOON, "u1", None, "[]") for number in range(8)])
    assert compact(log, tmp_path, 4).unreadable == 8
    with log.engine.begin() as connection:
        take_out(connection, EVENTS, EVENTS.c.position <= 2)
    found = compact(log, tmp_path, 4)
    assert (found.unreadable, found.unreadable_at) == (6, (3, 4, 5))
