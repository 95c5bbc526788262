"""A cluster of two nodes in processes of their own gives the answers of a local run, also when one node is killed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from features.shards import Run
from features.snapshots import build
from pipelines import due, recommend, refresh
from pipelines.engine import BucketsFailed, Engine, opened
from pipelines.settings import Settings
from tests.features.shop import day, history_of, merged
from tests.pipelines import test_due_parts, test_recommend_parts
from tests.pipelines.test_engine import kept, root, shop
from tests.pipelines.test_recommend_parts import explored_shop
from tests.waiting import BEGINS, until

pytestmark = pytest.mark.slow
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]
ray.cloudpickle.register_pickle_by_value(sys.modules[root.__module__])  # type: ignore[no-untyped-call]

PATIENT = {
    "agent_register_timeout_ms": 120_000,
    "worker_register_timeout_seconds": 600,
    "memory_monitor_refresh_ms": 0,
}
"""So that no worker is ended as the machine is slow, or as others fill its memory."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of a core each, started anew where Ray gives up on a busy machine."""
    node = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100 * 1024**2, "include_dashboard": False}
    for left in (2, 1, 0):
        started: Any = Cluster(shutdown_at_exit=False)
        try:
            started.add_node(**node, _system_config=PATIENT)
            started.add_node(**node)
            break
        except Exception:
            started.shutdown()
            if not left:
                raise
    yield started
    started.shutdown()


@pytest.fixture(scope="module")
def engine(cluster: Any) -> Iterator[Engine]:
    with opened(cluster.address) as engine:
        yield engine


def held(folder: Path, doomed: str, function: Callable[[int], Any], shard: int) -> Any:
    """Tell on which node a shard was begun and by whom, and go on when the test says so: on the `doomed` one never."""
    here = ray.get_runtime_context().get_node_id()
    (folder / f"{shard}-{here}-{os.getpid()}").touch()
    deadline = monotonic() + BEGINS
    while here == doomed or not (folder / "go").exists():
        if monotonic() > deadline:
            raise TimeoutError(f"nobody lets shard {shard} go on, nor ends it")
        sleep(0.05)
    return function(shard)


def test_errors_and_results_are_those_of_a_loop(engine: Engine) -> None:
    heard: list[tuple[int, int | None]] = []
    assert engine.map(root, [4, 1, 9], lambda done, of: heard.append((done, of))) == [2.0, 1.0, 3.0]
    assert heard == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(BucketsFailed, match=r"1 of 3 failed.*part -1: ValueError: -1 is negative"):
        engine.map(root, [4, -1, 9])


@contextmanager
def at_hand(engine: Engine, _address: str) -> Iterator[Engine]:
    """The engine that this process is connected to already."""
    yield engine


def test_exports_and_compaction_write_the_bytes_of_a_loop(
    engine: Engine, restock_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommend, "CUSTOMERS_A_PART", 7)
    monkeypatch.setattr(due, "CUSTOMERS_A_PART", 5)
    monkeypatch.setattr(refresh, "POSITIONS_A_PART", 60)
    monkeypatch.setattr(refresh, "PARTS_AT_A_TIME", 2)

    def written(name: str) -> dict[str, object]:
        out = tmp_path / name
        shop = explored_shop(restock_world, out / "shop")
        test_recommend_parts.run(shop, out / "mail.parquet")
        test_due_parts.run(shop, out / "due.parquet")
        database = f"sqlite:///{shop / 'kairos.db'}"
        history = Settings(database_url=database, history=out / "history", engine="ray" if name == "there" else "local")
        assert refresh.compact_history(history, lambda _: None).position > 4 * 60
        files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")}
        return {**files, "decisions": test_recommend_parts.logged(shop)}

    here = written("here")
    for verb in (recommend, due, refresh):
        monkeypatch.setattr(verb, "opened", partial(at_hand, engine))
    there = written("there")
    assert {"mail.parquet", "due.parquet"} < set(here)
    assert sorted(there) == sorted(here)
    assert [name for name in here if here[name] != there[name]] == []


def test_a_node_killed_in_the_middle_changes_no_bit(cluster: Any, engine: Engine, tmp_path: Path) -> None:
    history = history_of(tmp_path / "history", shop(), buckets=6)
    people = merged(("user", "u1", "u2"), ("user", "u3", "u4"), ("user", "u5", "u6"))
    build(history, people, tmp_path / "here", day(40), count=6)
    begun = tmp_path / "begun"
    begun.mkdir()
    victim = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)

    def on_ray(function: Callable[[int], Any], shards: Sequence[int]) -> list[Any]:
        if getattr(function, "func", function).__name__ != "compute":
            return engine.map(function, shards)
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(engine.map, partial(held, begun, victim.node_id, function), shards)
            until(lambda: done.done() or any(begun.glob(f"*-{victim.node_id}-*")), "a shard on the second node", BEGINS)
            os.kill(victim.all_processes["raylet"][0].process.pid, signal.SIGKILL)
            for path in begun.glob(f"*-{victim.node_id}-*"):  # they would outlive their node, which they share with us
                os.kill(int(path.name.split("-")[2]), signal.SIGKILL)
            (begun / "go").touch()
            return done.result()

    run: Run = on_ray
    build(history, people, tmp_path / "there", day(40), run=run, count=6)
    told = [path.name.split("-") for path in begun.glob("*-*-*")]
    assert any(node == victim.node_id for _, node, _ in told), "the node that was killed was at a shard"
    again = {int(shard) for shard, node, _ in told if node != victim.node_id}
    assert again == set(range(6)), "every shard was computed on the node that is left"
    assert kept(tmp_path / "there") == kept(tmp_path / "here")
