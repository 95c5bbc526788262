"""Every bucket is tried, whoever fails is named with file and cause, and a rerun does only what is missing."""

import builtins
import math
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.compute import NOBODY
from features.history import FILES
from features.log import Record
from features.shards import in_turn
from features.snapshots import build
from pipelines import ray_engine
from pipelines.engine import BucketsFailed, Local, opened
from tests.features.shop import bought, day, happened, history_of


def shop() -> list[Record]:
    """Forty customers with an order each, and a view."""
    orders = [bought(f"u{number}", number % 30, f"o{number}", ("milk", 1, "1.50")) for number in range(40)]
    return [*orders, *(happened("product_viewed", f"u{number}", 31, "tea") for number in range(40))]


def kept(folder: Path) -> list[Any]:
    """The tables as they are read, customers sorted."""
    tables = [pq.read_table(next((folder / name).glob("*.parquet"))) for name in ("product", "customer")]
    return [table.sort_by(table.column_names[0]).to_pylist() for table in tables]


def root(number: int) -> float:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return math.sqrt(number)


def test_results_come_in_the_order_of_the_buckets() -> None:
    heard: list[tuple[int, int | None]] = []
    with opened("local") as engine:
        assert engine.map(root, [4, 1, 9], lambda done, of: heard.append((done, of))) == [2.0, 1.0, 3.0]
        assert engine.map(root, []) == []
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_a_bucket_that_fails_is_named_and_the_others_finish() -> None:
    tried: list[int] = []

    def each(number: int) -> float:
        tried.append(number)
        return root(number)

    with pytest.raises(BucketsFailed, match=r"2 of 4 failed.*part -1: ValueError: -1 is negative; part -2") as caught:
        Local().map(each, [-1, 4, -2, 9])
    assert tried == [-1, 4, -2, 9]
    assert list(caught.value.errors) == [-1, -2]


def test_a_broken_file_is_named_and_a_rerun_does_only_what_is_missing(tmp_path: Path) -> None:
    history = history_of(tmp_path / "history", shop(), buckets=4)
    build(history, NOBODY, tmp_path / "whole", day(40), count=4)
    broken = sorted(history.glob(FILES))[0]
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(BucketsFailed) as caught:
        build(history, NOBODY, tmp_path / "features", day(40), run=Local().map, count=4)
    assert "1 of 4 failed" in str(caught.value)
    assert str(broken) in str(caught.value)
    assert not (tmp_path / "features" / "customer").exists(), "half of a table is no table"
    broken.write_bytes(content)
    asked: list[list[int]] = []

    def counting(function: Any, shards: Sequence[int]) -> list[Any]:
        asked.append(list(shards))
        return in_turn(function, shards)

    build(history, NOBODY, tmp_path / "features", day(40), run=counting, count=4)
    (failed,) = caught.value.errors
    assert asked == [[failed], [0, 1, 2, 3]], "of the first step one shard was missing, of the second all"
    assert kept(tmp_path / "features") == kept(tmp_path / "whole")


def test_what_is_left_of_another_state_is_not_taken(tmp_path: Path) -> None:
    history = history_of(tmp_path / "history", shop(), buckets=4)

    def halfway(function: Any, shards: Sequence[int]) -> list[Any]:
        if getattr(function, "func", function).__name__ == "compute":
            in_turn(function, shards[:2])
            raise KeyboardInterrupt
        return in_turn(function, shards)

    for moment in (day(40), day(20)):
        with pytest.raises(KeyboardInterrupt):
            build(history, NOBODY, tmp_path / "features", moment, run=halfway, count=4)
    asked: list[int] = []

    def counting(function: Any, shards: Sequence[int]) -> list[Any]:
        asked.append(len(shards))
        return in_turn(function, shards)

    build(history, NOBODY, tmp_path / "features", day(40), run=counting, count=4)
    assert asked == [4, 4], "what was begun for day 40 was taken away when day 20 was begun"
    build(history, NOBODY, tmp_path / "whole", day(40), count=1)
    assert kept(tmp_path / "features") == kept(tmp_path / "whole")


@pytest.mark.parametrize("address", ["spark", "", "http://somewhere:80"])
def test_another_word_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="use `local`, `ray`"), opened(address):
        pass


def test_a_cluster_that_is_not_there_is_told_with_the_setting() -> None:
    with pytest.raises(ConnectionError, match=r"ENGINE=127\.0\.0\.1:1 .*=local"), opened("127.0.0.1:1"):
        pass


def test_what_listens_and_is_no_ray_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(**_: object) -> None:
        raise AssertionError("this would wait without end")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray_engine, "_ANSWER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        with pytest.raises(ConnectionError, match=rf"{address} .* within 3 s.*=local"), opened(address):
            pass


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name == "pipelines.ray_engine":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return load(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        pytest.raises(ModuleNotFoundError, match=r"pip install .* ray.*EXTRA=ray.*ENGINE=local") as caught,
        opened("ray"),
    ):
        pass
    assert isinstance(caught.value.__cause__, ImportError), "by which a verb says it without a traceback"


def test_where_ray_does_not_start_it_is_tried_again_and_told_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    tried: list[object] = []

    def init(**settings: object) -> None:
        tried.append(settings)
        raise RuntimeError("The current node timed out during startup")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(RuntimeError, match=r"did not start.* 5 times \(The current node .*=local"), opened("ray"):
        pass
    assert len(tried) == 5


def test_a_folder_that_ray_cannot_write_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    tried: list[object] = []

    def init(**settings: object) -> None:
        tried.append(settings)
        raise OSError(30, "Read-only file system", "/nowhere/.ray")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(OSError, match=r"cannot write /nowhere/.ray \(Read-only .*HOME.*=local"), opened("ray"):
        pass
    assert len(tried) == 1
