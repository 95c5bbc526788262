"""Whoever reads the history while it is dropped and compacted again says so, and keeps nothing of either."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from features.compute import NOBODY, products_of_moments, visible
from features.history import compact, drop, generation
from features.in_shards import in_shards
from features.log import Record
from features.snapshots import build
from tests.features.shop import day, happened, history_of, log_of

T = TypeVar("T")

ANEW = "made anew while it was read; run this again"


@pytest.fixture
def told() -> list[Record]:
    return [happened("product_viewed", f"u{number}", number / 10, "milk") for number in range(40)]


@pytest.fixture
def history(tmp_path: Path, told: list[Record]) -> Path:
    return history_of(tmp_path / "history", told)


def test_a_history_that_grows_stays_the_same_and_one_made_anew_is_another(tmp_path: Path, told: list[Record]) -> None:
    log, folder = log_of(told[:20]), tmp_path / "history"
    assert generation(folder) is None
    compact(log, folder, 4)
    first = generation(folder)
    log.append(told[20:])
    compact(log, folder, 4, positions_per_part=7)
    assert generation(folder) == first
    drop(folder)
    compact(log, folder, 4)
    assert generation(folder) not in (first, None)


def begun_anew(history: Path, told: Sequence[Record]) -> None:
    """What `compact --rebuild` has done after the first of its ranges."""
    drop(history)
    compact(log_of(told[:10]), history, 4)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_build_beside_which_the_history_is_made_anew_keeps_nothing(
    history: Path, told: list[Record], tmp_path: Path, count: int
) -> None:
    def run(function: Callable[[int], T], shards: Sequence[int]) -> list[T]:
        done = []
        for shard in shards:
            if shard == count - 1 and not (tmp_path / "anew").exists():
                begun_anew(history, told)
                (tmp_path / "anew").touch()
            done.append(function(shard))
        return done

    with pytest.raises(RuntimeError, match=ANEW):
        build(history, NOBODY, tmp_path / "features", day(35), run=run, count=count)
    assert not list((tmp_path / "features").glob("customer/*"))
    compact(log_of(told), history, 4)
    assert build(history, NOBODY, tmp_path / "features", day(35), run=run, count=count).customers == len(told)


def test_so_does_who_reads_shard_by_shard(
    history: Path, told: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = in_shards.__globals__["prepare"]

    def prepare(*arguments: object) -> None:
        begun_anew(history, told)
        found(*arguments)

    monkeypatch.setattr("features.in_shards.prepare", prepare)
    with pytest.raises(RuntimeError, match=ANEW):
        list(in_shards(history, NOBODY, day(35), work=tmp_path / "work", count=2))
    assert not list((tmp_path / "work").iterdir())


def test_so_does_who_reads_it_at_once(history: Path, told: list[Record]) -> None:
    def customers() -> None:
        with visible(history, NOBODY, day(35)) as seen:
            begun_anew(history, told)
            seen.customers()

    def products() -> None:
        for _ in products_of_moments(history, NOBODY, [day(3), day(35)]):
            begun_anew(history, told)

    for read in (customers, products):
        with pytest.raises(RuntimeError, match=ANEW):
            read()


def test_a_build_where_there_is_no_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no history in"):
        build(tmp_path / "history", NOBODY, tmp_path / "features", day(35))
