"""Unfinished results are for one worker and one state, and an erased person is not left in them."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from pathlib import Path

import pyarrow as pa
import pytest

from features import arrow_file
from features.person import Person
from features.privacy.parquet import customer_files
from features.results import FOLDER, forget, forget_old, kept, take_back, written


def test_a_result_is_whole_or_not_there(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        path.write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        written(tmp_path / "part", broken)
    assert not list(tmp_path.iterdir())


def test_two_at_once_are_not_at_the_same_work(tmp_path: Path) -> None:
    with kept(tmp_path, 1), pytest.raises(RuntimeError, match="wait for it to end"), kept(tmp_path, 2):
        pass


def interrupted(root: Path, state: int, found: list[str]) -> None:
    """Find results in the folder of a state, leave one there, and be stopped."""
    with kept(root, state) as folder:
        assert [path.name for path in folder.iterdir()] == found
        (folder / "part").touch()
        raise KeyboardInterrupt


def test_results_stay_for_the_same_state_alone(tmp_path: Path) -> None:
    for state, found in ((1, []), (1, ["part"]), (2, []), (1, [])):
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path, state, found)


def test_nobody_who_is_erased_is_left_in_what_is_unfinished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / FOLDER / "features", 1, [])
    assert list(tmp_path.rglob("part"))
    for store in customer_files(tmp_path):
        store.erase(Person("u1", ("u1",), ()))
    assert not list(tmp_path.rglob("part"))


def erased(root: Path, error: Exception | None = None) -> None:
    """A work in whose midst somebody is erased, and which fails then or does not mind."""
    with kept(root / FOLDER / "features", 1):
        for store in customer_files(root):
            store.erase(Person("u1", ("u1",), ()))
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, FileNotFoundError("returned.parquet"), RuntimeError("6 of 8 failed")])
def test_a_work_whose_results_an_erasure_dropped_says_so(tmp_path: Path, error: Exception | None) -> None:
    with pytest.raises(RuntimeError, match=r"somebody was erased .* run this again") as caught:
        erased(tmp_path, error)
    assert caught.value.__cause__ is error


def test_who_writes_in_a_folder_that_is_being_dropped_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(path: Path, **_: object) -> None:
        """Somebody writes a part while the folder is emptied."""
        with pytest.raises(FileNotFoundError):
            written(work / "part", Path.touch)
        rmtree(path)

    rmtree = shutil.rmtree
    monkeypatch.setattr("features.results.shutil.rmtree", slowly)
    work = tmp_path / FOLDER / "features" / "one"
    work.mkdir(parents=True)
    forget(tmp_path)
    assert not list((tmp_path / FOLDER / "features").iterdir())


def test_tables_made_of_what_an_erasure_dropped_are_taken_back(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    table.touch()
    take_back(tmp_path, table)
    assert table.exists()
    take_back(tmp_path / "gone", table, tmp_path / "another")
    assert not table.exists()


def test_what_failed_goes_after_a_while_unless_somebody_is_at_it(tmp_path: Path) -> None:
    limit = datetime(2026, 11, 23, tzinfo=UTC)
    for name, age in (("old", 1), ("young", -1), ("working", 1)):
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path / FOLDER / name, 1, [])
        (folder,) = (tmp_path / FOLDER / name).glob("*/")
        at = (limit - timedelta(seconds=age)).timestamp()
        os.utime(folder, (at, at))
    with kept(tmp_path / FOLDER / "working", 1):
        assert forget_old(tmp_path, limit) == 1
        assert sorted(path.parts[-3] for path in tmp_path.rglob("part")) == ["working", "young"]
    assert forget_old(tmp_path / "nothing", limit) == 0


def by_python(path: Path) -> None:
    path.symlink_to("/dev/full")
    path.write_text("a")


def by_arrow(path: Path) -> None:
    path.symlink_to("/dev/full")
    arrow_file.write(pa.table({"a": [1]}), path)


@pytest.mark.parametrize("write", [by_python, by_arrow])
def test_a_full_disk_names_the_file_and_leaves_none(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "day=2026-01-01" / "part.parquet"
    path.parent.mkdir()
    with pytest.raises(OSError, match=rf"No space left on device; make room .*'{path}'") as told:
        written(path, write)
    assert told.value.errno == ENOSPC
    assert not list(path.parent.iterdir())
