"""Tables of features are kept by moment; the newest product table is held as arrays."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import shard_features
from features.compute import NOBODY, customer_features, product_features
from features.definitions import PRODUCT_FEATURES
from features.person import Person
from features.privacy.parquet import customer_files
from features.results import forget, forget_old
from features.shards import Shards, in_turn
from features.snapshots import build, keep_all, keep_products, newest, product_table
from tests.features.shop import bought, day, happened, history_of

T = TypeVar("T")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two products, one of which was never bought."""
    return history_of(
        tmp_path / "history", [happened("product_viewed", "u1", 1, "tea"), bought("u1", 2, "o1", ("milk", 1, "1.50"))]
    )


def test_a_build_keeps_what_is_computed_and_what_was_there(history: Path, tmp_path: Path) -> None:
    early, late = (build(history, NOBODY, tmp_path, day(at)) for at in (1.5, 3))
    assert (early.customers, early.products, late.customers, late.products) == (1, 1, 1, 2)
    for built, at in ((early, 1.5), (late, 3)):
        product, customer = (pq.read_table(path) for path in built.files)
        assert product.equals(product_features(history, NOBODY, day(at)))
        assert customer.equals(customer_features(history, NOBODY, day(at)))
        assert customer.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")


def test_a_moment_has_one_table_in_whatever_offset_it_is_given(history: Path, tmp_path: Path) -> None:
    first = build(history, NOBODY, tmp_path, day(3))
    again = build(history, NOBODY, tmp_path, day(3).astimezone(timezone(timedelta(hours=3))), created=day(4))
    assert again.files == first.files
    assert [path.name for path in (tmp_path / "customer").iterdir()] == [first.files[1].name]
    assert pq.read_table(first.files[1])["created"].to_pylist() == [day(4)]


def test_the_newest_is_the_latest_moment_not_the_latest_file(history: Path, tmp_path: Path) -> None:
    wanted = build(history, NOBODY, tmp_path, day(3) + timedelta(microseconds=1))
    for at in (3.0, 2.5, 0.5):
        build(history, NOBODY, tmp_path, day(at))
    assert [newest(tmp_path, "product"), newest(tmp_path, "customer")] == list(wanted.files)


def test_products_are_arrays_sorted_by_id(history: Path, tmp_path: Path) -> None:
    build(history, NOBODY, tmp_path, day(3))
    held = product_table(tmp_path)
    assert held.as_of == day(3)
    assert held.product_ids.tolist() == ["milk", "tea"]
    assert list(held.columns) == [field.name for field in PRODUCT_FEATURES]
    assert {len(column) for column in held.columns.values()} == {2}
    assert held.columns["orders_7d"].tolist() == [1, 0]
    np.testing.assert_array_equal(held.columns["price_last"], [1.5, np.nan])
    assert held.value("milk", "price_last") == 1.5
    assert [np.isnan(held.value(id_, "orders_7d")) for id_ in ("a", "milk", "n", "zzz")] == [True, False, True, True]


def test_without_tables_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no product features in .* features build"):
        product_table(tmp_path)


def test_kept_tables_are_those_of_their_moments_and_stay_while_they_are_true(history: Path, tmp_path: Path) -> None:
    moments = [day(1.5), day(3)]
    first = keep_products(history, NOBODY, tmp_path, moments)
    for path, moment in zip(first, moments, strict=True):
        assert pq.read_table(path).equals(product_features(history, NOBODY, moment))
    written = [path.stat().st_mtime_ns for path in first]
    assert keep_products(history, NOBODY, tmp_path, [day(3), day(2.5), day(1.5)])[::2] == first[::-1]
    assert [path.stat().st_mtime_ns for path in first] == written
    assert len(list((tmp_path / "product").iterdir())) == 3


def test_tables_of_another_history_or_of_other_identities_are_made_anew(tmp_path: Path) -> None:
    log = [bought("u1", 1, "o1", "tea"), bought("u2", 2, "o2", "tea")]
    one, more = history_of(tmp_path / "one", log[:1]), history_of(tmp_path / "more", log)
    (path,) = keep_products(one, NOBODY, tmp_path, [day(3)])
    keep_products(one, NOBODY, tmp_path, [day(4)])
    keep_products(more, NOBODY, tmp_path, [day(3)])
    assert pq.read_table(path)["buyers_30d"].to_pylist() == [2]
    assert list((tmp_path / "product").iterdir()) == [path], "day 4 was of the shorter history"
    one_person = pa.table({"kind": ["user"], "id": ["u2"], "customer_id": ["u1"]})
    keep_products(more, one_person, tmp_path, [day(3)])
    assert pq.read_table(path)["buyers_30d"].to_pylist() == [1]


def test_called_again_on_the_same_day_a_build_of_now_is_of_the_moment_of_before(history: Path, tmp_path: Path) -> None:
    asked: list[tuple[str, list[int]]] = []

    def failing(function: Callable[[int], T], shards: Sequence[int]) -> list[T]:
        if len(asked) % 2:
            raise OSError("no space left")
        return noting(function, shards)

    def noting(function: Callable[[int], T], shards: Sequence[int]) -> list[T]:
        asked.append((getattr(function, "func", function).__name__, list(shards)))
        return in_turn(function, shards)

    def begin(at: float) -> None:
        asked.clear()
        with pytest.raises(OSError, match="no space left"):
            build(history, NOBODY, tmp_path, None, created=day(at), run=failing, count=2)
        asked.clear()

    begin(3.1)
    built = build(history, NOBODY, tmp_path, None, created=day(3.9), run=noting, count=2)
    assert built.as_of == day(3.1)
    assert asked == [("compute", [0, 1])], "what was sorted out was there"
    assert set(pq.read_table(built.files[1])["event_timestamp"].to_pylist()) == {day(3.1)}
    assert set(pq.read_table(built.files[1])["created"].to_pylist()) == {day(3.9)}
    begin(3.9)
    asked.clear()
    built = build(history, NOBODY, tmp_path, None, created=day(4), run=noting, count=2)
    assert built.as_of == day(4), "it is another day"
    assert [name for name, _ in asked] == ["sort_out", "compute"]
    with pytest.raises(ValueError, match="as of a moment"):
        build(history, NOBODY, tmp_path, None)


def killed_at_the_table(history: Path, features: Path) -> Path:
    """A build that is killed while it writes the customers; what is left of their table."""
    found = multiprocessing.get_context("spawn").Process(target=_build_and_die, args=(history, features))
    found.start()
    found.join()
    assert found.exitcode == -signal.SIGKILL
    (left,) = (features / "customer").iterdir()
    assert left.name.startswith(".")
    return left


def _build_and_die(history: Path, features: Path) -> None:
    found = shard_features.customers

    def then_die(shards: Shards, created: datetime) -> Iterator[pa.Table]:
        yield from found(shards, created)
        os.kill(os.getpid(), signal.SIGKILL)

    shard_features.customers = then_die
    build(history, NOBODY, features, day(3))


def test_the_half_of_a_table_of_who_was_killed_goes(history: Path, tmp_path: Path) -> None:
    left = killed_at_the_table(history, tmp_path / "features")
    with pytest.raises(FileNotFoundError):
        newest(tmp_path / "features", "customer")
    for store in customer_files(tmp_path / "features"):
        store.erase(Person("nobody", ("nobody",), ()))
    assert not left.exists(), "an erasure does not know whom it names"

    left.touch()
    now = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert forget_old(tmp_path / "features", now - timedelta(minutes=1)) == 0
    assert forget_old(tmp_path / "features", now + timedelta(minutes=1)) == 1
    assert not left.exists()

    left.touch()
    build(history, NOBODY, tmp_path / "features", day(3))
    assert left.exists(), "somebody may be at it"
    os.utime(left, (now.timestamp() - 3700, now.timestamp() - 3700))
    build(history, NOBODY, tmp_path / "features", day(3))
    assert not left.exists()


def test_an_erasure_at_the_last_moment_of_a_build_leaves_no_table(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(tables: Iterable[pa.Table], folder: Path, as_of: datetime) -> Path:
        """The tables are in memory when somebody is erased."""
        found = [*tables]
        if folder.name == "customer":
            forget(tmp_path)
        return keep_all(found, folder, as_of)

    monkeypatch.setattr("features.snapshots.keep_all", late)
    with pytest.raises(RuntimeError, match="somebody was erased"):
        build(history, NOBODY, tmp_path, day(3))
    assert not list((tmp_path / "customer").iterdir())
