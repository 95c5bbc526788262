"""The verb `train replenishment`: from the history to a challenger with its evidence, and the verdict for a person."""

from datetime import datetime

import numpy as np
from rich.console import Console
from rich.table import Table

from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from models.catalogue import Catalogue
from models.registry import Registry
from models.time_to_event.lines import Lines
from models.time_to_event.memory import TooLarge
from models.time_to_event.replenishment import Replenishment
from pipelines.console import Tick
from pipelines.free_memory import free_memory
from pipelines.refresh import catalogue, end_of_history
from pipelines.settings import Settings
from pipelines.train import TrainReport
from training.replenishment.exam import Exam
from training.replenishment.lines import lines_of
from training.replenishment.report import best_first, protocol
from training.replenishment.timing import ALL, STRATA, TASKS, Task, Timing
from training.replenishment.train import Trained, train

SEED = 0
_SHOWN = {"rmae": "error,\ndays", "concordance": "concord-\nance", "auc 14": "AUC\n14 d", "skill 14": "skill\n14 d"}
_ERRORS = {"ece 14": "ECE\n14 d", "coverage": "80 %\nholds"}
_WORDS = {"need": "the next purchase of a group", "trips": "the next order"}


def train_replenishment(
    settings: Settings,
    registry: Registry,
    until: datetime | None,
    progress: Tick,
    recipe: Replenishment | None = None,
) -> Trained:
    """Train on everything before `until`, the end of the history when None; the seed is fixed, so a run repeats.

    Raises ValueError when it needs more memory than is free, with the option of the verb that would do.
    """
    lines, known = bought(settings, until)
    try:
        return train(lines, known, registry, np.random.default_rng(SEED), recipe, progress, free_memory)
    except TooLarge as refused:
        if refused.origins is None:
            raise
        raise ValueError(f"{refused} (`--origins {refused.origins}`)") from refused


def bought(settings: Settings, until: datetime | None) -> tuple[Lines, Catalogue]:
    """What was bought before `until`, the end of the history when None, and the products."""
    end = until or end_of_history(settings)
    identities = identities_to_learn_from(open_database(settings.database_url))
    lines, _ = lines_of(settings.history, identities, end, work=settings.work)
    return lines, catalogue(settings, end)


def report(trained: Trained) -> TrainReport:
    """The short form."""
    version, verdict = trained.version, trained.verdict
    return TrainReport(version.number, version.run_id, verdict.passed, verdict.words)


def print_trained(trained: Trained, console: Console) -> None:
    """The tables of all that were judged, best first, and what the gate says."""
    print_timing(trained.exam, trained.timing, console)
    colour = "green" if trained.verdict.passed else "red"
    word = "passed" if trained.verdict.passed else "refused"
    console.print(f"Gate: [{colour}]{word}[/{colour}]. {trained.verdict.words}", highlight=False)
    console.print(f"{trained.version.name} {trained.version.number} is the challenger now.")


def print_timing(judged: Exam, timing: Timing, console: Console) -> None:
    """How it was judged, a table a task, and one of what the number of purchases changes."""
    console.print(f"\n{protocol(judged)}")
    for task in TASKS:
        console.print(_table(timing, task))
    console.print(_strata(timing))


def _table(timing: Timing, task: Task) -> Table:
    table = Table("model\n", title=f"\n{_WORDS[task]}", title_justify="left", title_style="bold")
    for title in (*_SHOWN.values(), *_ERRORS.values()):
        table.add_column(title, justify="right")
    for outcome in best_first(timing, task):
        cells = [f"{outcome.mean(measure):.{2 if measure == 'rmae' else 3}f}" for measure in (*_SHOWN, *_ERRORS)]
        name = outcome.name if outcome.name in timing.baselines else f"[bold]{outcome.name}[/bold]"
        table.add_row(name, *cells)
    return table


def _strata(timing: Timing) -> Table:
    table = Table("model\n", title="\nconcordance by purchases known", title_justify="left", title_style="bold")
    parts = timing.outcomes[0].parts
    there = [stratum for stratum in STRATA if stratum in parts and stratum != ALL]
    for stratum in there:
        table.add_column(f"{stratum}\n{parts[stratum].pairs:,}", justify="right")
    for outcome in best_first(timing, "need"):
        table.add_row(outcome.name, *(f"{outcome.parts[stratum].mean('concordance'):.3f}" for stratum in there))
    return table
