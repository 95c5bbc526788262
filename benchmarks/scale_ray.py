"""What tasks of Ray cost: all features, then the scores of everybody, by a loop, by processes and by Ray, by turns.

A verb is a process that begins with nothing, so each run is one: what a process does for the first time costs a quarter
of a CPU-second, whoever starts it. Two tasks at once slow each other where cores share a cache, whoever starts them, so
tasks of Ray are compared with the same functions in as many bare processes; the loop, one at a time, is told besides.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from time import process_time
from typing import Any

import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq
from ray import cloudpickle

from benchmarks.scale_history import AS_OF
from features.history import buckets, generation, position
from features.shards import Shards, prepare, size
from features.snapshots import build
from models.storage import load
from pipelines.engine import LOCAL, RAY, opened
from pipelines.score_part import score_shard

RUNS = 5
PROCESSES = "processes"
ENGINES = (LOCAL, PROCESSES, RAY)

Map = Callable[..., list[Any]]


@dataclass
class Spent:
    """CPU-seconds inside of the functions, by work; `processes` has all that each process took which worked on one."""

    inside: dict[str, float] = field(default_factory=dict)
    processes: dict[int, float] = field(default_factory=dict)

    def noting(self, work: str, map_: Map) -> Map:
        """`map_`, which notes what each bucket took in the process that worked on it."""

        def run(function: Callable[[Any], Any], shards: Sequence[Any], *others: Any) -> list[Any]:
            # inside, so that it travels by value: workers of Ray do not know this package
            def timed(shard: Any) -> tuple[Any, float, int, float]:
                started = process_time()
                result = function(shard)
                ended = process_time()
                return result, ended - started, os.getpid(), ended

            found = map_(timed, shards, *others)
            self.inside[work] = self.inside.get(work, 0.0) + sum(spent for _, spent, _, _ in found)
            for _, _, process, ended in found:
                self.processes[process] = max(ended, self.processes.get(process, 0.0))
            return [result for result, _, _, _ in found]

        return run

    def around(self, everything: float) -> dict[str, float]:
        """Of `everything` that all processes took: what workers took outside of tasks, and what was nobody's task."""
        workers = sum(self.processes.values())
        return {
            "workers": float(len(self.processes)),
            "workers, outside of tasks": workers - sum(self.inside.values()),
            "Ray itself": everything - workers,
        }


def compared(folder: Path) -> dict[str, float]:
    """The least of some runs each: in tasks of both works by each engine, and what Ray takes outside of tasks."""
    runs = []
    for _ in range(RUNS):
        for engine in ENGINES:
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                runs.append(fresh.submit(once, engine, folder).result())
    return least(runs)


def least(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The least that was seen of each figure, and by how much tasks of Ray are above bare processes in it.

    Whatever else the machine does makes a run longer, never shorter.
    """
    found: dict[str, float] = {}
    for run in runs:
        found |= {name: min(seconds, found.get(name, seconds)) for name, seconds in run.items()}
    return {
        **found,
        "overhead": found[f"features, {RAY}"] / found[f"features, {PROCESSES}"] - 1,
        "overhead of scores": found[f"scores, {RAY}"] / found[f"scores, {PROCESSES}"] - 1,
    }


def once(engine: str, folder: Path) -> dict[str, float]:
    """CPU-seconds of one run of both works, by name."""
    os.environ |= {"RAY_worker_niceness": "0"}  # by its default tasks of Ray give way to all else, and lose their cache
    history, identities = folder / "history", pq.read_table(folder / "identities.parquet")
    _, model = load(folder / "replenishment")
    own = folder / f"by_{engine}"
    rmtree(own, ignore_errors=True)
    (own / "scores").mkdir(parents=True)
    laid, reached = buckets(history), position(history)
    count = size(history, AS_OF, reached, laid)
    shards = Shards(history, AS_OF, None, reached, laid, count, generation(history), own / "scores")
    spent = Spent()
    with _maps(engine) as map_:
        build(history, identities, own, AS_OF, run=spent.noting("features", map_), cores=1)
        scores = spent.noting("scores", map_)
        prepare(shards, identities, scores, 1)
        scores(partial(score_shard, shards, model, cores=1), range(shards.count))
        everything = _children()
    rmtree(own)
    found = {f"{work}, {engine}": seconds for work, seconds in spent.inside.items()}
    if engine == RAY:
        found |= {"shards": float(shards.count), **spent.around(everything)}
    return found


@contextmanager
def _maps(engine: str) -> Iterator[Map]:
    if engine == PROCESSES:
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:

            def map_(function: Callable[[Any], Any], shards: Sequence[Any], *_: Any) -> list[Any]:
                return list(pool.map(partial(_called, cloudpickle.dumps(function)), shards))  # type: ignore[no-untyped-call]

            yield map_
        return
    with opened(engine) as opened_engine:
        yield opened_engine.map


def _called(function: bytes, shard: Any) -> Any:
    return cloudpickle.loads(function)(shard)


def _children() -> float:
    """CPU-seconds of all processes that this one has started, and of those that they have."""
    seconds = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(child.cpu_times()[:4])
    return seconds
