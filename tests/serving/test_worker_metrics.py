"""Whichever worker is asked shows what all of them counted, and nothing that was shown goes back when one is killed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WORKER = """
import json, sys
from pathlib import Path
from serving.measures import Counter, Histogram, Level
from serving.worker_metrics import WorkerMetrics

counter, level = Counter("c", "", ("route",)), Level("l", "")
histogram = Histogram("h", "", ())
worker = WorkerMetrics(Path(sys.argv[1]), lambda: [counter, level, histogram], seconds=3600)
worker.start()
for line in sys.stdin:
    amount = float(line)
    if amount:
        counter.add("/x", amount=amount)
        level.add(amount=amount)
        histogram.observe(value=amount)
    states, alive = worker.summed()
    print(json.dumps([{name: sum(state.get(("/x",), state.get((), [0]))) for name, state in states.items()}, alive]))
    sys.stdout.flush()
"""


class Worker:
    """A process of its own that counts what it is told and shows what all count."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, amount: float = 0) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{amount}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_workers_add_up_and_a_killed_one_takes_nothing_back(tmp_path: Path, stack: ExitStack) -> None:
    def begin() -> Worker:
        worker = Worker(tmp_path)
        stack.callback(worker.kill)
        return worker

    one, other = begin(), begin()
    one.count(3)
    shown, alive = other.count(4)
    assert (shown["c"], shown["l"], alive) == (7, 7, 2)
    assert shown["h"] == 2 + 7, "two observations and their sum"
    assert one.count() == [shown, alive]
    one.kill()
    shown, alive = other.count()
    assert (shown["c"], shown["h"], alive) == (7, 9, 1)
    assert shown["l"] == 4, "what a worker holds is gone with it"
    third = begin()
    shown, alive = third.count(1)
    assert (shown["c"], shown["l"], alive) == (8, 5, 2)
    (group,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert sorted(path.name for path in group.glob("*.json"))[-1] == "retired.json"
    assert len(list(group.glob("*.json"))) == 3
    assert other.count() == [shown, alive]


def test_a_new_service_begins_at_zero_and_takes_away_what_the_last_left(tmp_path: Path, stack: ExitStack) -> None:
    left = tmp_path / "999999-1"
    left.mkdir()
    (left / "retired.json").write_text('{"c": [[["/x"], [1000.0]]]}')
    worker = Worker(tmp_path)
    stack.callback(worker.kill)
    assert worker.count(2)[0]["c"] == 2
    assert not left.exists()


def test_a_torn_snapshot_is_passed_over(tmp_path: Path, stack: ExitStack) -> None:
    worker = Worker(tmp_path)
    stack.callback(worker.kill)
    worker.count(2)
    (group,) = (path for path in tmp_path.iterdir() if path.is_dir())
    (group / f"{worker.process.pid}-1.json").write_text('{"c": [[["/x"')
    assert worker.count()[0]["c"] == 2
