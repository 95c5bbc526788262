"""What tasks of Ray cost is counted once each, by work and by process, and compared by the least of some runs."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from benchmarks import scale_ray
from benchmarks.scale_ray import Spent, least


def by_hand(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale_ray, "process_time", lambda: clock[0])


def test_each_task_is_noted_with_its_work_and_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own for each shard: each begins at ten seconds, and outside of tasks takes one more."""
    clock, process = [0.0], [0]
    by_hand(clock, monkeypatch)
    monkeypatch.setattr(os, "getpid", lambda: process[0])

    def worked(shard: int) -> str:
        clock[0] += shard
        return f"shard {shard}"

    def map_(function: Callable[[int], Any], shards: Sequence[int], *_: Any) -> list[Any]:
        found = []
        for process[0] in shards:
            clock[0] = 10.0
            found.append(function(process[0]))
        return found

    spent = Spent()
    assert spent.noting("features", map_)(worked, [2, 3], None) == ["shard 2", "shard 3"]
    assert spent.noting("scores", map_)(worked, [3]) == ["shard 3"]
    assert spent.noting("features", map_)(worked, [4]) == ["shard 4"], "a work may ask more than once"
    assert spent.inside == {"features": 9.0, "scores": 3.0}
    assert spent.processes == {2: 12.0, 3: 13.0, 4: 14.0}, "all that a process took until its last task ended"


def test_what_is_no_task_is_told_apart() -> None:
    spent = Spent({"features": 9.0, "scores": 3.0}, {2: 12.0, 3: 13.0})
    assert spent.around(30.0) == {"workers": 2.0, "workers, outside of tasks": 13.0, "Ray itself": 5.0}


def test_the_least_of_each_figure_is_compared_with_bare_processes() -> None:
    first = {"features, processes": 4.0, "scores, processes": 2.0, "features, local": 3.0}
    second = {"features, processes": 5.0, "scores, processes": 1.0}
    by_ray = {"features, ray": 4.2, "scores, ray": 0.9, "Ray itself": 7.0}
    found = least([first, second, by_ray])
    assert found.pop("overhead") == pytest.approx(0.05)
    assert found.pop("overhead of scores") == pytest.approx(-0.1)
    assert found == {**first, **second, **by_ray, "features, processes": 4.0}
