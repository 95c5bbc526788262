"""Recommenders on the last four weeks of a real history, beside the baselines they must beat.

    python -m benchmarks.recommenders            # the history that `make demo` leaves
    python -m benchmarks.recommenders --tune 20  # tries recipes on the four weeks before, and evaluates nothing

Prints the table, writes `results/recommenders.json` and the section of `README.md`. With several seeds, values are
means over seeds for each customer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from features.compute import NOBODY
from models.recommenders.als import ALS
from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from pipelines.refresh import end_of_history
from pipelines.settings import Settings
from training.baselines import BASELINES
from training.bootstrap import Interval
from training.dataset import exam
from training.evaluate import TASKS, Evaluation, Outcome, Task, evaluate
from training.recommender import WINDOW
from training.splits import latest_folds
from training.tune import Choices, search

MEASURES = ("recall@10", "ndcg@10")
_TITLES = {"recall@10": "Recall@10", "ndcg@10": "NDCG@10"}
CHAMPION = "fallback"
DATA = "Complete Journey: 1.46 M purchase lines, 2,469 households, 2017"
SEEDS = (7, 8, 9)
BOOTSTRAP_SEED = 0

MODELS: dict[str, Sequence[Recommender]] = {
    CHAMPION: (Fallback(),),
    "rp3beta": (RP3Beta(),),
    "als": tuple(ALS(seed=seed) for seed in SEEDS),
    "popularity": (Popularity(),),
}
CHOICES: dict[str, tuple[Recommender, Choices]] = {
    "rp3beta": (
        RP3Beta(),
        {
            "half_life": [20.0, 45.0, 90.0, 180.0, None],
            "power": [0.1, 0.25, 0.5, 0.75],
            "alpha": [0.5, 0.6, 0.7, 0.8, 0.9],
            "beta": [0.0, 0.1, 0.2, 0.3, 0.4],
            "trend": [0.3, 0.5, 0.75, 0.9],
            "neighbours": [50, 100, 150, 300],
            "fade_days": [7.0, 15.0, 20.0, 30.0],
            "fade": [0.4, 0.5, 0.6, 0.8],
            "history_power": [0.25, 0.5, 0.75, 1.0],
            "repeat": [2.0, 4.0, 8.0, 16.0, 32.0],
            "loyalty": [0.3, 0.5, 0.7],
        },
    ),
    "als": (
        ALS(),
        {
            "factors": [32, 64, 96, 128],
            "regularization": [1.0, 3.0, 10.0, 30.0],
            "confidence": [0.3, 1.0, 3.0, 10.0],
            "iterations": [4, 8],
            "half_life": [60.0, 120.0, None],
            "power": [0.5, 1.0],
            "fade_days": [15.0, 30.0],
            "fade": [0.25, 0.5],
        },
    ),
}

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Fitted:
    """Models by name, one a seed, and the CPU-seconds that one fit took."""

    models: Mapping[str, FittedRecommender]
    cpu_seconds: Mapping[str, float]


@app.command()
def main(
    history: Annotated[Path, typer.Argument(help="folder of the Parquet history")] = Path("var/history"),
    tune: Annotated[int, typer.Option(help="recipes to try on the validation weeks instead")] = 0,
) -> None:
    """Measure, print, write."""
    validation, test = latest_folds(end_of_history(Settings(history=history)), WINDOW, 2)
    if tune:
        _tune(history, NOBODY, tune)
        return
    prepared = exam(history, NOBODY, test)
    fitted, baselines = _fit(prepared.train), {name: recipe.fit(prepared.train) for name, recipe in BASELINES.items()}
    evaluation = _over_seeds(evaluate(fitted.models, baselines, prepared.holdout))
    protocol = (
        f"learned before {test.split:%Y-%m-%d}, judged on {test.split:%Y-%m-%d} to {test.until:%Y-%m-%d}, tuned on "
        f"{validation.split:%Y-%m-%d} to {validation.until:%Y-%m-%d}; {len(prepared.holdout.queries):,} households, "
        f"full ranking over {len(prepared.holdout.item_ids):,} products, ties by id, paired bootstrap of 1,000 draws"
    )
    claims = [
        claim
        for name in MODELS
        for task in TASKS
        for claim in _claims(evaluation, name, task, protocol, fitted.cpu_seconds[name])
    ]
    table = _table(evaluation, fitted.cpu_seconds)
    text = f"{DATA}; {protocol}. {machine()}.\n\n{table}\n\n{_words(claims)}"
    console.print(text, markup=False)
    write(claims, "recommenders")
    replace_section(ROOT / "README.md", "recommenders", text)


def _fit(train: Interactions) -> Fitted:
    models: dict[str, FittedRecommender] = {}
    spent = {}
    for name, recipes in MODELS.items():
        started = time.process_time()
        for place, recipe in enumerate(recipes):
            models[f"{name}/{place}"] = recipe.fit(train)
        spent[name] = (time.process_time() - started) / len(recipes)
    return Fitted(models, spent)


def _over_seeds(evaluation: Evaluation) -> Evaluation:
    """Outcomes named `model/seed` as one: for each customer the mean over seeds."""
    grouped: dict[tuple[str, Task], list[Outcome]] = {}
    for outcome in evaluation.outcomes:
        grouped.setdefault((outcome.name.partition("/")[0], outcome.task), []).append(outcome)
    merged = [
        replace(
            outcomes[0],
            name=name,
            values={
                measure: np.mean([outcome.values[measure] for outcome in outcomes], axis=0)
                for measure in outcomes[0].values
            },
            cpu_ms=float(np.mean([outcome.cpu_ms for outcome in outcomes])),
        )
        for (name, _), outcomes in grouped.items()
    ]
    return Evaluation(tuple(merged), evaluation.baselines)


def _above(evaluation: Evaluation, name: str, task: Task, measure: str) -> Interval:
    best = evaluation.best_baseline(task, measure).name
    return evaluation.above(name, best, task, measure, np.random.default_rng(BOOTSTRAP_SEED))


def _claims(evaluation: Evaluation, name: str, task: Task, protocol: str, cpu_seconds: float) -> list[Claim]:
    found = []
    for measure in MEASURES:
        above = _above(evaluation, name, task, measure)
        owed = name == CHAMPION
        found.append(
            Claim(
                measure=f"{measure}, {task}, {name}",
                data=DATA,
                protocol=protocol,
                ours=evaluation.of(name, task).mean(measure),
                interval=(above.low, above.high),
                baselines={other: evaluation.of(other, task).mean(measure) for other in evaluation.baselines},
                must="above the best of the baselines, interval of the difference above 0" if owed else None,
                goal="+10 % over it" if owed else None,
                met=above.low > 0 if owed else None,
                seeds=SEEDS if len(MODELS[name]) > 1 else (BOOTSTRAP_SEED,),
                cpu_seconds=round(cpu_seconds, 1),
                machine=machine(),
                commit=commit(),
            )
        )
    return found


def _table(evaluation: Evaluation, spent: Mapping[str, float]) -> str:
    columns = [f"{_TITLES[measure]}, {task}" for task in TASKS for measure in MEASURES]
    lines = [
        f"| recommender | {' | '.join(columns)} | coverage | fit, CPU-s | query, CPU-ms |",
        f"| --- |{' ---: |' * (len(columns) + 3)}",
    ]
    for name in [*evaluation.baselines, *reversed(MODELS)]:
        cells = [f"`{name}`" if name in MODELS else name]
        for task in TASKS:
            for measure in MEASURES:
                cell = f"{evaluation.of(name, task).mean(measure):.4f}"
                if name in MODELS:
                    above = _above(evaluation, name, task, measure)
                    cell += f" ({above.low:+.4f} to {above.high:+.4f})"
                cells.append(cell)
        first = evaluation.of(name, TASKS[0])
        cells += [f"{first.coverage:.1%}", f"{spent[name]:.1f}" if name in spent else "", f"{first.cpu_ms:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _words(claims: Sequence[Claim]) -> str:
    gains = [
        f"{100 * (claim.ours / max(claim.baselines.values()) - 1):+.1f} % {claim.measure.removesuffix(f', {CHAMPION}')}"
        for claim in claims
        if claim.met is not None
    ]
    return (
        "In brackets: the 95 % interval of the paired difference to the best baseline of the column. Queries are asked "
        "128 at a time, which only popularity gains from. "
        f"`{CHAMPION}` against it: {'; '.join(gains)}. Coverage is the share of products that anybody was shown in a "
        "top ten."
    )


def _tune(history: Path, identities: pa.Table, trials: int) -> None:
    (validation, _) = latest_folds(end_of_history(Settings(history=history)), WINDOW, 2)
    prepared = exam(history, identities, validation)
    for recipe, choices in CHOICES.values():
        tried = search(
            recipe,
            choices,
            prepared,
            trials,
            np.random.default_rng(BOOTSTRAP_SEED),
            lambda trial: console.print(f"{trial.score:.5f} {trial.recipe}", markup=False),
        )
        console.print(f"best: {tried[0].score:.5f} {tried[0].recipe}", markup=False)


if __name__ == "__main__":
    app()
