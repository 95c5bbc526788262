"""Recommenders on the last four weeks of a real history, beside baselines and tuned peers.

    python -m benchmarks.recommenders                   # the history that `make demo` leaves
    python -m benchmarks.recommenders --tune 20         # tries our recipes on the four weeks before, judges nothing
    python -m benchmarks.recommenders --tune-peers 12   # the same for the peers, and writes down what did best

Prints the table, writes its part of `results/recommenders.json` and the section of `README.md`. With several seeds,
values are means over seeds for each customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks import peer
from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.entrants import CHAMPION, OURS, SEEDS, fit, over_seeds
from features.compute import NOBODY, interactions
from models.arrays import Codes, Ids, codes_of
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.baselines import BASELINES
from training.bootstrap import Interval
from training.dataset import Exam, exam
from training.evaluate import TASKS, Evaluation, Task, evaluate, mean
from training.recommender import WINDOW
from training.spaces import SPACES
from training.splits import Fold, latest_folds
from training.tune import search

MEASURES = ("recall@10", "ndcg@10")
_TITLES = {"recall@10": "Recall@10", "ndcg@10": "NDCG@10"}
DATA = "Complete Journey: 1.46 M purchase lines, 2,469 households, 2017"
_KEY = "complete_journey"
_SEED = 0

app = typer.Typer(add_completion=False)
console = Console(width=140)


@app.command()
def main(
    history: Annotated[Path, typer.Argument(help="folder of the Parquet history")] = Path("var/history"),
    peers_venv: Annotated[Path, typer.Option(help="where peers' environments are, or are made")] = Path("var/peers"),
    tune: Annotated[int, typer.Option(help="recipes of ours to try on the validation weeks instead")] = 0,
    tune_peers: Annotated[int, typer.Option(help="settings of each peer to try there instead")] = 0,
    budget: Annotated[float, typer.Option(help="CPU-seconds of a peer's tuning")] = 600.0,
) -> None:
    """Measure, print, write."""
    validation, test = latest_folds(end_of_history(Settings(history=history)), WINDOW, 2)
    prepared, asked = _exam(history, validation if tune or tune_peers else test)
    if tune:
        _tune(prepared, tune)
        return
    if tune_peers:
        peer.tune(_KEY, list(peer.PEERS), prepared, asked, peers_venv, tune_peers, budget)
        return
    fitted = fit(prepared.train)
    simple = {name: recipe.fit(prepared.train) for name, recipe in BASELINES.items()}
    others = peer.entrants(_KEY, list(peer.tuned(_KEY)), prepared, asked, peers_venv)
    evaluation = over_seeds(evaluate(fitted.models, {**simple, **others.models}, prepared.holdout))
    spent = {**fitted.cpu_seconds, **others.cpu_seconds}
    protocol = (
        f"learned before {test.split:%Y-%m-%d}, judged on {test.split:%Y-%m-%d} to {test.until:%Y-%m-%d}, tuned on "
        f"{validation.split:%Y-%m-%d} to {validation.until:%Y-%m-%d}; {len(prepared.holdout.queries):,} households, "
        f"full ranking over {len(prepared.holdout.item_ids):,} products, ties by id, paired bootstrap of 1,000 draws"
    )
    found = claims(evaluation, protocol, spent[CHAMPION])
    text = f"{DATA}; {protocol}. {machine()}.\n\n{table(evaluation, spent)}\n\n{words(evaluation)}"
    console.print(text, markup=False)
    write(found, "recommenders", "recommenders")
    replace_section(ROOT / "README.md", "recommenders", text)


def _exam(history: Path, fold: Fold) -> tuple[Exam, Codes]:
    """The exam of `fold`, and the codes in it of the customers who are asked, by which peers know them."""
    with TemporaryDirectory(prefix="kairos-features-") as folder:
        prepared = exam(history, NOBODY, fold, replace(assortment(Settings(history=history)), folder=Path(folder)))
    known: Ids = interactions(history, NOBODY, fold.split)["customer_id"].unique().to_numpy(zero_copy_only=False)
    return prepared, codes_of(prepared.holdout.customer_ids, np.sort(known.astype(object)))


def claims(evaluation: Evaluation, protocol: str, cpu_seconds: float) -> list[Claim]:
    """A row a task and measure of the champion beside all others, then those of cold and warm customers and products,
    coverage, and popularity lift, of which nothing is owed."""
    found = []
    for task in TASKS:
        shown = {each.name: each for each in evaluation.outcomes if each.task == task}
        ours = shown[CHAMPION]

        def row(measure: str, values: Mapping[str, float], above: Interval | None = None, owed: bool = False) -> Claim:
            return Claim(
                measure=measure,
                data=DATA,
                protocol=protocol,
                ours=values[CHAMPION],
                interval=(above.low, above.high) if above else None,
                baselines={name: value for name, value in values.items() if name != CHAMPION},
                must="above the best of the baselines and peers, interval of the difference above 0" if owed else None,
                goal="+10 % over it" if owed else None,
                met=above.low > 0 if above and owed else None,
                seeds=SEEDS,
                cpu_seconds=round(cpu_seconds, 1),
                machine=machine(),
                commit=commit(),
            )

        for measure in ours.values:
            values = {name: each.mean(measure) for name, each in shown.items()}
            found.append(
                row(f"{measure}, {task}", values, _above(evaluation, CHAMPION, task, measure), measure in MEASURES)
            )
        for group in ours.groups:
            for measure in MEASURES:
                values = {name: mean(each.groups[group][measure]) for name, each in shown.items()}
                found.append(row(f"{measure}, {task}, {group}", values))
        found.append(row(f"coverage@10, {task}", {name: each.coverage for name, each in shown.items()}))
        found.append(row(f"popularity lift@10, {task}", {name: each.popularity_lift for name, each in shown.items()}))
    return found


def table(evaluation: Evaluation, spent: Mapping[str, float]) -> str:
    """Baselines, peers, ours; in brackets how far ours lie above the best of the others in the column."""
    columns = [f"{_TITLES[measure]}, {task}" for task in TASKS for measure in MEASURES]
    rest = ["cold customers, Recall@10", "coverage", "popularity lift", "fit, CPU-s", "query, CPU-ms"]
    lines = [
        f"| recommender | {' | '.join(columns + rest)} |",
        f"| --- |{' ---: |' * len(columns + rest)}",
    ]
    for name in [*evaluation.baselines, *reversed(OURS)]:
        cells = [f"`{name}`" if name in OURS else name]
        for task in TASKS:
            for measure in MEASURES:
                cell = f"{evaluation.of(name, task).mean(measure):.4f}"
                if name in OURS:
                    above = _above(evaluation, name, task, measure)
                    cell += f" ({above.low:+.4f} to {above.high:+.4f})"
                cells.append(cell)
        first = evaluation.of(name, TASKS[0])
        cold = first.groups.get("cold customers", {}).get(MEASURES[0], np.empty(0))
        cells += [
            f"{mean(cold):.4f}" if len(cold) else "",
            f"{first.coverage:.1%}",
            f"{first.popularity_lift:.1f}",
            f"{spent[name]:.1f}" if name in spent else "",
            f"{first.cpu_ms:.2f}" if name not in peer.PEERS else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def words(evaluation: Evaluation) -> str:
    """What the table says."""
    gains: Sequence[str] = [
        f"{100 * (evaluation.of(CHAMPION, task).mean(measure) / best.mean(measure) - 1):+.1f} % {measure}, {task}, "
        f"over {best.name}"
        for task in TASKS
        for measure in MEASURES
        for best in (evaluation.best_baseline(task, measure),)
    ]
    return (
        "In brackets: the 95 % interval of the paired difference to the best baseline or peer of the column. "
        f"`{CHAMPION}` against it: {'; '.join(gains)}. Fit of a peer is fit and all answers. Queries are asked 128 at "
        "a time. Cold customers had fewer than 5 orders before the split. Coverage is the share of products that "
        "anybody was shown in a top ten; popularity lift how much more popular these were than what was bought."
    )


def _above(evaluation: Evaluation, name: str, task: Task, measure: str) -> Interval:
    best = evaluation.best_baseline(task, measure).name
    return evaluation.above(name, best, task, measure, np.random.default_rng(_SEED))


def _tune(prepared: Exam, trials: int) -> None:
    for recipes in OURS.values():
        if recipes[0].name not in SPACES:
            continue
        tried = search(
            recipes[0],
            SPACES[recipes[0].name],
            prepared,
            trials,
            _SEED,
            lambda trial: console.print(f"{trial.score:.5f} {trial.recipe}", markup=False),
        )
        console.print(f"best: {tried[0].score:.5f} {tried[0].recipe}", markup=False)


if __name__ == "__main__":
    app()
