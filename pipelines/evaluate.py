"""The verb `evaluate recommender`: the table of all who sat the exam, for a person, for files and for MLflow."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from models.evidence import Evidence
from models.registry import Registry
from pipelines.console import Tick
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.assessment import Assessment, assess
from training.bootstrap import Interval
from training.evaluate import COLD_INTERACTIONS, COLD_ORDERS, GROUPS, TASKS, Evaluation, Outcome, Task, mean
from training.report import MEASURES, above_best_baseline, protocol

_SEED = 0


def evaluate_recommender(
    settings: Settings,
    registry: Registry,
    until: datetime | None,
    weeks: int,
    model: str,
    recipes: Sequence[str],
    out: Path | None,
    progress: Tick,
) -> Assessment:
    """Judge on the `weeks` before `until`; log it to MLflow and, with `out`, write tables, plots and a page there."""
    identities = identities_to_learn_from(open_database(settings.database_url))
    end = until or end_of_history(settings)
    found = assess(
        settings.history,
        identities,
        registry,
        end,
        np.random.default_rng(_SEED),
        model,
        recipes,
        timedelta(weeks=weeks),
        assortment(settings),
        progress,
        settings.work,
    )
    if out is not None:
        write(found.evidence, out)
    return found


def write(evidence: Evidence, folder: Path) -> None:
    """CSV, PNG and Markdown, as MLflow keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in evidence.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    for name, figure in evidence.figures.items():
        figure.savefig(folder / f"{name}.png")
    (folder / "report.md").write_text(evidence.card, encoding="utf-8")


def report(found: Assessment) -> dict[str, Any]:
    """What scripts read: the run, the weeks, and every mean by task, recommender and measure."""
    figures = {
        task: {
            outcome.name: {measure: _known(outcome.mean(measure)) for measure in outcome.values}
            for outcome in best_first(found.evaluation, task)
        }
        for task in TASKS
    }
    return {"run_id": found.run_id, "split": found.fold.split, "until": found.fold.until, "tasks": figures}


def _known(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if np.isnan(value) else value


def print_assessment(found: Assessment, console: Console) -> None:
    """A table a task, best first, and one of cold and warm."""
    fold, evaluation = found.fold, found.evaluation
    console.print(f"\nWhat was bought from {fold.split:%Y-%m-%d} to {fold.until:%Y-%m-%d}. {protocol(fold)}")
    for task in TASKS:
        console.print(_table(evaluation, task))
    console.print(_groups(evaluation))
    console.print(f"MLflow keeps it with plots as run {found.run_id}.")


def _table(evaluation: Evaluation, task: Task) -> Table:
    """Fits 80 columns: measures at 10, the distance to the best baseline in per cent of it; files hold the rest."""
    count = len(evaluation.of(evaluation.baselines[0], task).values[MEASURES[0]])
    table = _compact(f"{task}, {count:,} customers, first 10")
    for column in ("recall", "ndcg", "hit", "mrr", "recall above best\nbaseline, 95 %", "cover-\nage", "popu-\nlarity"):
        table.add_column(column, justify="right")
    rng = np.random.default_rng(_SEED)
    base = evaluation.best_baseline(task, MEASURES[0]).mean(MEASURES[0])
    for outcome in best_first(evaluation, task):
        above = above_best_baseline(evaluation, outcome, MEASURES[0], rng)
        cells = [f"{outcome.mean(measure):.4f}" for measure in MEASURES]
        cells += [f"{outcome.mean(measure):.3f}" for measure in ("hit@10", "mrr@10")]
        cells += [_per_cent(above, base) if above and base else "", f"{outcome.coverage:.1%}"]
        table.add_row(styled(evaluation, outcome), *cells, f"{outcome.popularity_lift:.1f}")
    return table


def _per_cent(interval: Interval, base: float) -> str:
    mean, low, high = (100 * value / base for value in (interval.mean, interval.low, interval.high))
    return f"{mean:+.1f} \\[{low:+.1f}, {high:+.1f}]"


def _compact(title: str) -> Table:
    return Table(
        "recommender",
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _groups(evaluation: Evaluation) -> Table:
    caption = (
        f"cold: a customer with fewer than {COLD_ORDERS} orders, a product with fewer than {COLD_INTERACTIONS} "
        "interactions before the split; in brackets, customers"
    )
    table = _compact(f"{MEASURES[0]}, {TASKS[0]}, cold and warm apart")
    table.caption = caption
    for group in GROUPS:
        table.add_column(group.replace(" ", "\n"), justify="right")
    for outcome in best_first(evaluation, TASKS[0]):
        parts = [outcome.groups[group][MEASURES[0]] for group in GROUPS]
        table.add_row(styled(evaluation, outcome), *(f"{mean(part):.4f} ({len(part):,})" for part in parts))
    return table


def best_first(evaluation: Evaluation, task: Task) -> list[Outcome]:
    """The outcomes of a task by their Recall@10, ties by name."""
    found = [outcome for outcome in evaluation.outcomes if outcome.task == task]
    return sorted(found, key=lambda outcome: (-np.nan_to_num(outcome.mean(MEASURES[0])), outcome.name))


def styled(evaluation: Evaluation, outcome: Outcome) -> str:
    """A name in bold, unless it is a baseline's."""
    return outcome.name if outcome.name in evaluation.baselines else f"[bold]{outcome.name}[/bold]"
