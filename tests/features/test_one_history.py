"""Whoever reads the history while it is dropped and compacted again says so, and keeps nothing of either."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete

from features import snapshots
from features.compute import NOBODY, customer_features, products_of_moments, visible
from features.history import compact, drop, generation, position
from features.in_shards import in_shards
from features.log import EVENTS, Log, Record
from features.one_history import check_whole
from features.snapshots import build, keep_products
from tests.features.shop import day, happened, history_of, log_of

T = TypeVar("T")

ANEW = "made anew while it was read; run this again"
NOTHING_YET = "is being made and has nothing yet; run this again when"
UNDER_WAY = "is being made and reached position 10 of 40; run this again when"


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


class Killed(Exception):
    pass


def begun_anew(history: Path, told: Sequence[Record]) -> None:
    """What `compact --rebuild` has done after the first of its ranges."""
    drop(history)
    begun(log_of(told), history)


def begun(log: Log, history: Path) -> None:
    """A compaction that is killed in its second range."""
    before = position(history)

    def kill(_: int) -> None:
        if position(history) > before:
            raise Killed

    with pytest.raises(Killed):
        compact(log, history, 4, kill, positions_per_part=10)


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
        compact(log_of(told), history, 4)


def test_a_build_where_there_is_no_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no history in"):
        build(tmp_path / "history", NOBODY, tmp_path / "features", day(35))


def test_who_begins_between_two_ranges_is_told_to_wait(history: Path, told: list[Record], tmp_path: Path) -> None:
    def at_once() -> list[str]:
        with visible(history, NOBODY, day(35)) as seen:
            return seen.customers()["customer_id"].to_pylist()

    readers: list[Callable[[], object]] = [
        at_once,
        lambda: [len(seen.customers()) for seen in in_shards(history, NOBODY, day(35), count=2)],
        lambda: list(products_of_moments(history, NOBODY, [day(35)])),
        lambda: build(history, NOBODY, tmp_path / "features", day(35)),
        lambda: keep_products(history, NOBODY, tmp_path / "training", [day(35)]),
    ]
    begun_anew(history, told)
    for read in readers:
        with pytest.raises(RuntimeError, match=UNDER_WAY):
            read()
    assert not list(tmp_path.glob("*/customer/*")) + list(tmp_path.glob("*/product/*"))
    compact(log_of(told), history, 4)
    for read in readers:
        read()
    assert len(at_once()) == len(told)
    with pytest.raises(RuntimeError, match=UNDER_WAY):
        check_whole(history, reached=10)  # of who had asked for the position before it came to its end


@pytest.mark.parametrize("written", [False, True])
def test_who_begins_before_the_first_range_is_told_the_same(
    history: Path, told: list[Record], tmp_path: Path, written: bool
) -> None:
    drop(history)
    if written:
        with pytest.raises(Killed):
            compact(log_of(told), history, 4, lambda _: (_ for _ in ()).throw(Killed))
    readers: list[Callable[[], object]] = [
        lambda: customer_features(history, NOBODY, day(35)),
        lambda: list(in_shards(history, NOBODY, day(35), count=2)),
        lambda: build(history, NOBODY, tmp_path / "features", day(35)),
        lambda: keep_products(history, NOBODY, tmp_path / "training", [day(35)]),
    ]
    for read in readers:
        with pytest.raises(RuntimeError, match=NOTHING_YET):
            read()
    compact(log_of(told), history, 4)
    for read in readers:
        read()


def test_a_history_that_is_dropped_of_a_log_that_is_empty_is_none(history: Path, tmp_path: Path) -> None:
    drop(history)
    compact(log_of([]), history, 4)
    assert (generation(history), position(history)) == (None, 0)
    with pytest.raises(FileNotFoundError, match="no history in"):
        build(history, NOBODY, tmp_path / "features", day(35))


def test_a_damaged_history_that_is_dropped_is_being_made(history: Path, told: list[Record]) -> None:
    (history / "state.json").write_text('{"buck')
    drop(history)
    with pytest.raises(RuntimeError, match=NOTHING_YET):
        customer_features(history, NOBODY, day(35))
    compact(log_of(told), history, 8)
    assert len(customer_features(history, NOBODY, day(35))) == len(told)


def test_a_compaction_that_only_adds_holds_nobody_up(tmp_path: Path, told: list[Record]) -> None:
    log, history = log_of(told[:10]), tmp_path / "history"
    compact(log, history, 4)
    log.append(told[10:])
    begun(log, history)
    assert build(history, NOBODY, tmp_path / "features", day(35)).customers == 20


def test_a_history_whose_newest_events_were_erased_meanwhile_comes_to_its_end(
    tmp_path: Path, told: list[Record]
) -> None:
    for left in (10, 15, 25):
        log, history = log_of(told), tmp_path / f"history{left}"
        begun(log, history)
        with log.engine.begin() as connection:
            connection.execute(delete(EVENTS).where(EVENTS.c.position > left))
        compact(log, history, 4)
        assert build(history, NOBODY, tmp_path / f"features{left}", day(35)).customers == left
        compact(log, history, 4)


def test_tables_for_training_of_a_history_that_is_made_anew_meanwhile_do_not_stay(
    history: Path, told: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [day(0.5), day(35)]
    right = [pq.read_table(path) for path in keep_products(history, NOBODY, tmp_path / "right", moments)]
    (stays,) = keep_products(history, NOBODY, tmp_path / "training", moments[:1])
    found = snapshots.keep

    def keep(*arguments: object) -> object:
        begun_anew(history, told)
        return found(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "keep", keep)
        with pytest.raises(RuntimeError, match=ANEW):
            keep_products(history, NOBODY, tmp_path / "training", moments)
    assert list(stays.parent.iterdir()) == [stays], "what was kept before is of a history that was whole"
    compact(log_of(told), history, 4)
    assert [pq.read_table(path) for path in keep_products(history, NOBODY, tmp_path / "training", moments)] == right


def test_tables_for_training_are_not_those_of_before_an_event_was_corrected(tmp_path: Path) -> None:
    damaged = Record("b", "product_viewed", 1, 1, "u2", None, "[]")
    log, history = log_of([happened("product_viewed", "u1", 1, "milk"), damaged]), tmp_path / "history"
    compact(log, history, 4)
    (path,) = keep_products(history, NOBODY, tmp_path, [day(35)])
    assert pq.read_table(path)["product_id"].to_pylist() == ["milk"]
    payload = happened("product_viewed", "u2", 2, "tea").payload
    with log.engine.begin() as connection:
        connection.execute(EVENTS.update().where(EVENTS.c.position == 2).values(payload=payload))
    drop(history)
    assert compact(log, history, 4).position == 2, "nothing but the events of the position tells them apart"
    keep_products(history, NOBODY, tmp_path, [day(35)])
    assert pq.read_table(path)["product_id"].to_pylist() == ["milk", "tea"]
