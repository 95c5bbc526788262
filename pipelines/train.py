"""The verb `train recommender`: from the history to a challenger with its evidence, and the verdict for a person."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from rich.console import Console
from rich.table import Table

from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from models.registry import Registry
from pipelines.console import Tick
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.evaluate import TASKS, Evaluation
from training.recommender import Trained, train

MEASURES = ("recall@10", "ndcg@10")
_SEED = 0
_SHORT = {"repeats allowed": "all", "new only": "new"}


@dataclass(frozen=True)
class TrainReport:
    """What scripts read of a training: the version, and whether and why the gate lets it pass."""

    version: str
    run_id: str
    passed: bool
    words: str


def train_recommender(settings: Settings, registry: Registry, until: datetime | None, progress: Tick) -> Trained:
    """Train on everything before `until`, the end of the history when None; the seed is fixed, so a run repeats."""
    identities = identities_to_learn_from(open_database(settings.database_url))
    end = until or end_of_history(settings)
    rng = np.random.default_rng(_SEED)
    known = assortment(settings)
    return train(settings.history, identities, registry, end, rng, assortment=known, progress=progress)


def report(trained: Trained) -> TrainReport:
    """The short form."""
    version, verdict = trained.version, trained.verdict
    return TrainReport(version.number, version.run_id, verdict.passed, verdict.words)


def print_trained(trained: Trained, console: Console) -> None:
    """The table of all that were judged, best first, and what the gate says."""
    fold, evaluation = trained.fold, trained.evaluation
    console.print(
        f"\nWhat {len(evaluation.outcomes[0].values[MEASURES[0]]):,} customers bought from {fold.split:%Y-%m-%d} to "
        f"{fold.until:%Y-%m-%d}, foreseen from what they did before, among all products sold before:"
    )
    console.print(_table(evaluation))
    colour = "green" if trained.verdict.passed else "red"
    word = "passed" if trained.verdict.passed else "refused"
    console.print(f"Gate: [{colour}]{word}[/{colour}]. {trained.verdict.words}")
    console.print(f"{trained.version.name} {trained.version.number} is the challenger now.")


def _table(evaluation: Evaluation) -> Table:
    table = Table("recommender\n", caption="all: whatever they bought; new: only what they had never bought before")
    for task in TASKS:
        for measure in MEASURES:
            table.add_column(f"{measure}\n{_SHORT[task]}", justify="right")
    names = {outcome.name for outcome in evaluation.outcomes}
    for name in sorted(names, key=lambda name: -evaluation.of(name, TASKS[0]).mean(MEASURES[0])):
        means = [evaluation.of(name, task).mean(measure) for task in TASKS for measure in MEASURES]
        table.add_row(name if name in evaluation.baselines else f"[bold]{name}[/bold]", *(f"{m:.4f}" for m in means))
    return table
