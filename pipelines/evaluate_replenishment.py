"""The verb `evaluate replenishment`: the table of all who sat the exam, for a person, for files and for MLflow."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from models.registry import Registry
from pipelines.console import Tick
from pipelines.evaluate import write
from pipelines.settings import Settings
from pipelines.train_replenishment import SEED, bought, print_timing
from training.replenishment.assessment import Assessment, assess
from training.replenishment.report import ERRORS, best_first
from training.replenishment.timing import TASKS


def evaluate_replenishment(
    settings: Settings,
    registry: Registry,
    until: datetime | None,
    model: str,
    recipes: Sequence[str],
    out: Path | None,
    progress: Tick,
) -> Assessment:
    """Judge on the twelve weeks before `until`; log it to MLflow and, with `out`, write tables, plots and a page."""
    lines, known = bought(settings, until)
    found = assess(lines, known, registry, np.random.default_rng(SEED), model, recipes, progress)
    if out is not None:
        write(found.evidence, out)
    return found


def report(found: Assessment) -> dict[str, Any]:
    """What scripts read: the run, the days, and every measure by task, model and number of purchases known."""
    figures = {
        task: {
            outcome.name: {
                stratum: {measure: _known(part.mean(measure)) for measure in (*part.values, *ERRORS)}
                for stratum, part in outcome.parts.items()
            }
            for outcome in best_first(found.timing, task)
        }
        for task in TASKS
    }
    return {"run_id": found.run_id, "asked": found.exam.asked, "split": found.exam.split, "tasks": figures}


def print_assessment(found: Assessment, console: Console) -> None:
    """A table a task, best first, and one by purchases known."""
    print_timing(found.exam, found.timing, console)
    console.print(f"MLflow keeps it with plots as run {found.run_id}.")


def _known(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if np.isnan(value) else value
