"""A process that works on parts of all customers loads no more than that takes, the models of the shop included.

MLflow and Feast, which the verbs need and their parts do not, take a worker of a cluster several times as long to load
as everything else, and Feast brings torch.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines import due, recommend
from pipelines.console import Tick
from tests.pipelines import test_due_parts, test_recommend_parts
from tests.pipelines.test_recommend_parts import explored_shop

PARTS = (
    "features.history_part",
    "features.shard_features",
    "pipelines.due_part",
    "pipelines.recommend_part",
    "pipelines.score_part",
)
"""The modules whose functions are tasks."""

WORK = """
import pickle, sys
function, bucket = pickle.load(open(sys.argv[1], "rb"))
function(bucket)
print(*sorted({"mlflow", "feast", "torch"} & sys.modules.keys()), "and no more")
"""


class Fresh:
    """An engine with a process for each part, which tells what of the three that `WORK` looks for it has loaded."""

    cores: int | None = 1

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []

    def map(self, function: Callable[[Any], Any], buckets: Sequence[Any], progress: Tick | None = None) -> list[Any]:
        for bucket in buckets:
            (self.folder / "work").write_bytes(pickle.dumps((function, bucket)))
            command = [sys.executable, "-c", WORK, str(self.folder / "work")]
            self.told.append(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        return [None for _ in buckets]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fresh:
    engine = Fresh(tmp_path)

    @contextmanager
    def opened(_address: str) -> Iterator[Fresh]:
        yield engine

    for verb in (due, recommend):
        monkeypatch.setattr(verb, "opened", opened)
    return engine


@pytest.mark.parametrize("part", PARTS)
def test_a_worker_begins_without_mlflow_feast_and_torch(part: str) -> None:
    told = f"import sys, {part}; print(*sorted({{'mlflow', 'feast', 'torch'}} & sys.modules.keys()), 'and no more')"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "and no more\n"


def test_a_part_of_recommendations_is_answered_without_mlflow_feast_and_torch(
    world: Path, tmp_path: Path, fresh: Fresh
) -> None:
    test_recommend_parts.run(explored_shop(world, tmp_path / "shop"), tmp_path / "out.csv")
    assert fresh.told == ["and no more\n"]


def test_a_part_of_prepared_carts_is_made_without_mlflow_feast_and_torch(
    restock_world: Path, tmp_path: Path, fresh: Fresh
) -> None:
    test_due_parts.run(test_due_parts.stirred_shop(restock_world, tmp_path / "shop"), tmp_path / "out.csv")
    assert fresh.told == ["and no more\n"]
