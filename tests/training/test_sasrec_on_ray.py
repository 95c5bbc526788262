"""Two workers of a real Ray learn what one learns here, and go on when one of them is killed."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
import ray

from models.recommenders.popularity import Popularity
from models.recommenders.sasrec import SASRec
from models.recommenders.transformer_checkpoint import Checkpoints
from models.recommenders.transformer_training import train
from tests.models.recommenders.test_transformer_training import SMALL, drawn_sequences
from tests.models.recommenders.world import random_shop
from tests.training.held import HELD, hold_after_the_first_epoch
from tests.waiting import until
from training.sasrec_on_ray import RayTraining, by_ray

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
PATIENCE = 600
"""Seconds that a loaded machine may take to start Ray's processes."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, with two cores whatever it has; started anew where it gives up on a busy one."""
    for left in (2, 1, 0):
        try:
            ray.init(
                address="local",  # of itself it joins a cluster that other tests have on this machine
                num_cpus=2,
                num_gpus=0,
                include_dashboard=False,
                log_to_driver=False,
                object_store_memory=100_000_000,
                _system_config={
                    "agent_register_timeout_ms": 120_000,
                    "worker_register_timeout_seconds": PATIENCE,
                    "memory_monitor_refresh_ms": 0,  # or a worker is ended as others fill the memory
                },
                runtime_env={
                    "env_vars": {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                    "worker_process_setup_hook": hold_after_the_first_epoch,
                },
            )
            break
        except Exception:
            ray.shutdown()
            if not left:
                raise
    yield
    ray.shutdown()


def kill_a_worker(run: Path) -> int:
    """SIGKILL one of the two when an epoch is finished, behind which they are held; says which epoch that was."""
    try:
        until(lambda: Checkpoints(run).newest() > 0, "an epoch is finished", PATIENCE)
        workers = [each for each in psutil.Process().children(recursive=True) if _trains(each)]
        workers[-1].kill()
        return Checkpoints(run).newest()
    finally:
        (run / HELD).unlink()


def _trains(process: psutil.Process) -> bool:
    try:
        return any("RayTrainWorker" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_worker_that_is_killed_costs_an_epoch_and_not_the_training(cluster: None, tmp_path: Path) -> None:
    recipe, (indptr, items) = replace(SMALL, epochs=60, rate=1e-3, batch=20), drawn_sequences(301)
    training = RayTraining(tmp_path / "shared")
    run = training.run(recipe, indptr, items, 12)
    run.mkdir(parents=True)
    (run / HELD).touch()
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill_a_worker, run)
        checkpoints = training.trained(recipe, indptr, items, 12)
        after = killed.result()
    train(recipe, indptr, items, 12, checkpoints=Checkpoints(tmp_path / "alone"))
    found, alone = checkpoints.load(recipe.epochs), Checkpoints(tmp_path / "alone").load(recipe.epochs)
    assert after == 1
    assert found["starts"].tolist() == [0, 1], "what was finished before the kill is not done again"
    np.testing.assert_allclose(found["losses"][:5], alone["losses"][:5], rtol=1e-4)
    np.testing.assert_allclose(found["losses"][-1], alone["losses"][-1], rtol=0.02)
    assert found["losses"][-1] < found["losses"][0]


@pytest.mark.slow
def test_what_is_trained_already_is_taken_and_cleared_away(
    cluster: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the folder's name it is known which training it is: another recipe would not find it."""
    recipe, (indptr, items) = replace(SMALL, epochs=2), drawn_sequences()
    training = RayTraining(tmp_path, workers=os.cpu_count() or 1)
    run = training.run(recipe, indptr, items, 12)
    assert run != training.run(replace(recipe, seed=8), indptr, items, 12)
    train(replace(recipe, epochs=1), indptr, items, 12, checkpoints=Checkpoints(run))
    expected = train(recipe, indptr, items, 12, checkpoints=Checkpoints(run))
    found = training(recipe, indptr, items, 12)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert not run.exists()
    assert "went on after epoch 1 of 2" in caplog.text


@pytest.mark.slow
def test_a_cluster_that_is_too_small_is_told_at_once(cluster: None, tmp_path: Path) -> None:
    indptr, items = drawn_sequences()
    with pytest.raises(
        RuntimeError, match=r"3 workers needs as many cores, the Ray cluster has 2; .*KAIROS_ENGINE=local"
    ):
        RayTraining(tmp_path, workers=3).trained(SMALL, indptr, items, 12)


def test_only_what_gains_by_it_is_trained_elsewhere(tmp_path: Path) -> None:
    class Asked(Exception):
        """The training that was handed over."""

    def training(recipe: SASRec, *_: object) -> dict[str, np.ndarray]:
        raise Asked(recipe)

    shop = random_shop()
    fit = by_ray(training)  # type: ignore[arg-type]
    assert fit(Popularity(), shop).name == "popularity"
    with pytest.raises(Asked):
        fit(SMALL, shop)
