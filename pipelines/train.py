"""The verb `train recommender`: from the history to a challenger with its evidence, and the verdict for a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from rich.console import Console
from rich.table import Table

from features.database import open_database
from features.folder_lock import alone_in
from features.privacy.personal import identities_to_learn_from
from features.results import FOLDER as UNFINISHED
from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.combinator import Fit, distinct, here
from models.recommenders.family import RECIPES
from models.recommenders.memory import threads_that_fit
from models.recommenders.sasrec import SASRec
from models.recommenders.suite import Suite
from models.registry import Registry
from pipelines.console import Tick
from pipelines.engine import LOCAL, RAY, opened
from pipelines.free_memory import free_memory
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.evaluate import TASKS, Evaluation
from training.recommender import Trained, train
from training.sasrec_on_ray import RayTraining, by_ray

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


def train_recommender(
    settings: Settings,
    registry: Registry,
    until: datetime | None,
    progress: Tick,
    recipe: str | None = None,
    learned_days: int | None = None,
) -> Trained:
    """Train on everything before `until`, the end of the history when None; the seed is fixed, so a run repeats.

    With a `recipe` that one answers first and is judged, in place of the suite's first; with `learned_days` only so
    many days are learned from. Raises LookupError for a recipe that there is not, ValueError when one needs more memory
    than is free.
    """
    suite = led_by(recipe) if recipe else Suite()
    identities = identities_to_learn_from(open_database(settings.database_url))
    end = until or end_of_history(settings)
    rng = np.random.default_rng(_SEED)
    known = assortment(settings)
    with fitted_by(settings, suite) as by:
        return train(
            settings.history,
            identities,
            registry,
            end,
            rng,
            suite,
            assortment=known,
            progress=progress,
            memory=free_memory,
            by=by,
            work=settings.work,
            learned_days=learned_days,
        )


def led_by(name: str) -> Suite:
    """The suite with the recipe of this name, and its defaults, before all others.

    >>> [source.name for source in led_by("rp3beta").sources[:3]]
    ['rp3beta', 'fallback', 'buy_again']
    """
    if name not in RECIPES or name == Suite.name:
        raise LookupError(f"no recipe {name!r}; there are {', '.join(sorted(set(RECIPES) - {Suite.name}))}")
    return Suite((RECIPES[name](), *(source for source in Suite().sources if source.name != name)))


@contextmanager
def fitted_by(settings: Settings, suite: Suite) -> Iterator[Fit]:
    """How recipes are fitted: here, or on the cluster that `settings.engine` names, where any in `suite` gains by it.

    Raises RuntimeError while another process trains there, and what `pipelines.engine.opened` raises.
    """
    if settings.engine == LOCAL or not any(isinstance(part, SASRec) for part in distinct(suite)):
        yield here
        return
    folder = settings.feature_data / UNFINISHED / SASRec.name
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder, "at the same work in"), opened(settings.engine):
        training = RayTraining(folder)
        by = by_ray(training)
        yield with_room_for(training.workers, by) if settings.engine == RAY else by


def with_room_for(workers: int, by: Fit) -> Fit:
    """The same, where this machine has the memory of so many workers, as each holds what one process would.

    A fit raises ValueError where it has not. Of a cluster nobody asks the machines.
    """

    def fit(recipe: Recommender, interactions: Interactions) -> FittedRecommender:
        if isinstance(recipe, SASRec):
            try:
                threads_that_fit([recipe], interactions, 1, free_memory() // workers)
            except ValueError as error:
                told = f"for each of {workers} workers of Ray on this machine, {error}; KAIROS_ENGINE=local takes one"
                raise ValueError(told) from error
        return by(recipe, interactions)

    return fit


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
