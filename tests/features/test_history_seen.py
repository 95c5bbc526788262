"""A history moves on over what its caller sees: not over another database's rows, nor over files of another folder."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from features.history import FILES, compact, position
from features.history_part import Positions, Written, write_part
from features.log import EVENTS, Log
from tests.features.shop import bought, log_of

BUCKETS = 4
ORDERS = [bought(f"u{number}", number, f"o{number}", "p") for number in range(6)]


class Tasks:
    """They read `log` and write into `folder`, which may be others than their caller has."""

    def __init__(self, log: Log, folder: Path) -> None:
        self.log = log
        self.folder = folder

    def __call__(self, ranges: Sequence[Positions]) -> list[Written]:
        """Write ranges."""
        return [write_part(self.log, self.folder, BUCKETS, one) for one in ranges]


def through(tasks: Tasks, log: Log, folder: Path) -> int:
    """Compact by `tasks` of two positions each, four of them at a time; the position that is reached."""
    return compact(log, folder, BUCKETS, positions_per_part=2, write=tasks, at_a_time=4).position


def test_what_is_seen_moves_on(tmp_path: Path) -> None:
    log = log_of(ORDERS)
    assert through(Tasks(log, tmp_path), log, tmp_path) == position(tmp_path) == 6


@pytest.mark.parametrize("known", [5, 0])
def test_tasks_before_another_database_are_noticed(known: int, tmp_path: Path) -> None:
    log = log_of(ORDERS)
    missing = "5 to 6 read 1 events of the log, which has 2" if known else "1 to 2 read 0 events of the log"
    with pytest.raises(RuntimeError, match=f"{missing}.*KAIROS_DATABASE_URL"):
        through(Tasks(log_of(ORDERS[:known]), tmp_path), log, tmp_path)
    assert position(tmp_path) == 0
    assert through(Tasks(log, tmp_path), log, tmp_path) == 6


def test_tasks_with_a_folder_of_their_own_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.history_seen.PATIENCE_SECONDS", 0.0)
    here, there, log = tmp_path / "here", tmp_path / "there", log_of(ORDERS)
    with pytest.raises(RuntimeError, match=r"a task wrote day=2026-01-01/bucket=\d\d/part-.* not in .*KAIROS_HISTORY"):
        through(Tasks(log, there), log, here)
    assert position(here) == 0
    assert through(Tasks(log, here), log, here) == 6


def test_files_that_are_seen_late_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there, log = tmp_path / "here", tmp_path / "there", log_of(ORDERS)

    def shown(_seconds: float) -> None:
        for path in there.glob(FILES):
            late = here / path.relative_to(there)
            late.parent.mkdir(parents=True, exist_ok=True)
            path.replace(late)

    monkeypatch.setattr("features.history_seen.time.sleep", shown)
    assert through(Tasks(log, there), log, here) == 6
    assert len(list(here.glob(FILES))) == 6


def test_who_is_erased_meanwhile_is_not_missed(tmp_path: Path) -> None:
    log = log_of(ORDERS)

    class Erasing(Tasks):
        def __call__(self, ranges: Sequence[Positions]) -> list[Written]:
            done = super().__call__(ranges)
            with log.engine.begin() as connection:
                connection.execute(delete(EVENTS).where(EVENTS.c.user_id == "u3"))
            return done

    assert through(Erasing(log, tmp_path), log, tmp_path) == 6


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "by tasks"])
@pytest.mark.parametrize("gone", [{1, 2, 3}, {3, 4}, {5}, {1, 2, 3, 4, 5}], ids=str)
def test_ranges_of_which_nothing_is_left_are_passed(gone: set[int], elsewhere: bool, tmp_path: Path) -> None:
    """As a retention of events leaves them, when a history is made anew."""
    log = log_of(ORDERS)
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.position.in_(gone)))
    done = compact(
        log,
        tmp_path,
        BUCKETS,
        positions_per_part=1,
        write=Tasks(log, tmp_path) if elsewhere else None,
        at_a_time=2,
    )
    assert (done.rows, done.position) == (6 - len(gone), 6)
    assert {int(path.name.split("-")[1]) for path in tmp_path.glob(FILES)} == set(range(1, 7)) - gone


def test_records_between_two_positions_are_counted(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append(ORDERS)
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.user_id == "u3"))
    assert [log.count(1, 6), log.count(3, 4), log.count(4, 4), log.count(7, 9)] == [5, 1, 0, 0]
