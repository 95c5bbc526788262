"""SASRec trained by several workers under Ray Train: the loop of `transformer_training.train`, gradients added by gloo.

Ray keeps a checkpoint that was reported only when its controller has asked all workers for it, every two seconds: what
a worker that dies sooner has reported is forgotten, though it lies on the disk (ray/train/v2, `_poll_workers` and
`ReportCallbackHandler`). So checkpoints are ours: whole files in a folder that all workers see, there as soon as `save`
returns, and found again by another run of the same training as well.
"""

import hashlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.combinator import Fit, here
from models.recommenders.sasrec import SASRec, Training
from models.recommenders.transformer_checkpoint import Checkpoints
from models.recommenders.transformer_group import Collective
from models.recommenders.transformer_training import train, weights_of

_LOG = logging.getLogger(__name__)
_SEQUENCES = "sequences.npz"


@dataclass(frozen=True)
class RayTraining:
    """Trains on the Ray cluster that this process is connected to, with `workers` of one core each.

    `folder` is one that all machines of the cluster see; sequences and checkpoints lie there until the training is
    done. A worker that dies is replaced up to `retries` times, and all go on from the last epoch that was finished.
    """

    folder: Path
    workers: int = 2
    retries: int = 3

    def __call__(
        self, recipe: SASRec, indptr: NDArray[np.int64], items: NDArray[np.int32], count: int
    ) -> Mapping[str, NDArray[Any]]:
        """The weights; nothing stays in `folder`. Raises RuntimeError when the cluster is too small, or workers died
        more often than they were to be replaced: another call goes on from where this one got."""
        checkpoints = self.trained(recipe, indptr, items, count)
        saved = checkpoints.load(recipe.epochs)
        for epoch in saved["starts"][saved["starts"] > 0]:
            _LOG.warning("the training of SASRec was broken off and went on after epoch %d of %d", epoch, recipe.epochs)
        shutil.rmtree(checkpoints.folder)
        return weights_of(saved)

    def trained(self, recipe: SASRec, indptr: NDArray[np.int64], items: NDArray[np.int32], count: int) -> Checkpoints:
        """Go through the epochs that are not behind it yet; the last checkpoint is the result."""
        import ray  # noqa: PLC0415
        from ray.train import FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415
        from ray.train.torch import TorchConfig, TorchTrainer  # noqa: PLC0415

        run = self.run(recipe, indptr, items, count)
        checkpoints = Checkpoints(run)
        if checkpoints.newest() == recipe.epochs:
            return checkpoints
        cores = int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]
        if cores < self.workers:
            raise RuntimeError(
                f"training with {self.workers} workers needs as many cores, the Ray cluster has {cores}; add a machine "
                "to it, or train here with KAIROS_ENGINE=local"
            )
        run.mkdir(parents=True, exist_ok=True)
        with (run / _SEQUENCES).open("wb") as file:
            np.savez(file, indptr=indptr, items=items)
        trainer = TorchTrainer(
            _work,
            train_loop_config={"run": str(run), "recipe": asdict(recipe), "count": count},
            torch_config=TorchConfig(backend="gloo"),
            scaling_config=ScalingConfig(num_workers=self.workers, resources_per_worker={"CPU": 1}),
            run_config=RunConfig(
                name="ray", storage_path=str(run), failure_config=FailureConfig(max_failures=self.retries)
            ),
        )
        trainer.fit()
        return checkpoints

    def run(self, recipe: SASRec, indptr: NDArray[np.int64], items: NDArray[np.int32], count: int) -> Path:
        """The folder of one training: its name tells all that it depends on, so that nobody goes on from another's."""
        hashed = hashlib.sha256(f"{recipe} {count} ".encode())
        for array in (indptr, items):
            hashed.update(np.ascontiguousarray(array).tobytes())
        return (self.folder / f"sasrec-{hashed.hexdigest()[:16]}").resolve()


def by_ray(training: Training) -> Fit:
    """Recipes that gain by many machines are fitted by `training`, all others here."""

    def fit(recipe: Recommender, interactions: Interactions) -> FittedRecommender:
        return recipe.fit_by(interactions, training) if isinstance(recipe, SASRec) else here(recipe, interactions)

    return fit


def _work(config: dict[str, Any]) -> None:
    """What each worker runs."""
    from ray.train import get_context  # noqa: PLC0415

    run, recipe, context = Path(config["run"]), SASRec(**config["recipe"]), get_context()
    group = Collective(context.get_world_rank(), context.get_world_size())
    with np.load(run / _SEQUENCES) as sequences:
        indptr, items = sequences["indptr"], sequences["items"]
    train(recipe, indptr, items, config["count"], group, Checkpoints(run))
