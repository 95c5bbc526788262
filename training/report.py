"""What an evaluation says, for people and for files: tables, a page, and the model card that goes with a version."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from training.bootstrap import Interval
from training.evaluate import COLD_INTERACTIONS, COLD_ORDERS, DEPTHS, TASKS, Evaluation, Outcome, Task, mean
from training.gate import Verdict
from training.splits import Fold

MEASURES = ("recall@10", "ndcg@10")
_SHOWN = tuple(f"{measure}@{depth}" for depth in DEPTHS for measure in ("hit", "recall", "ndcg", "mrr"))


def table(evaluation: Evaluation, rng: np.random.Generator) -> pd.DataFrame:
    """One row a recommender and task: each measure's mean over customers, and how far it lies above the best baseline.

    The ends of the 95 % intervals are those of the paired bootstrap; a baseline has none.
    """
    rows = [
        {
            "recommender": outcome.name,
            "task": outcome.task,
            "customers": _count(outcome),
            **{measure: outcome.mean(measure) for measure in outcome.values},
            **_above(evaluation, outcome, rng),
            "coverage": outcome.coverage,
            "popularity lift": outcome.popularity_lift,
            "CPU-ms a query": outcome.cpu_ms,
        }
        for outcome in evaluation.outcomes
    ]
    return pd.DataFrame(rows)


def groups(evaluation: Evaluation) -> pd.DataFrame:
    """One row a recommender, task and group: cold and warm customers and products apart."""
    rows = [
        {
            "recommender": outcome.name,
            "task": outcome.task,
            "group": group,
            "customers": len(values[MEASURES[0]]),
            **{measure: mean(of) for measure, of in values.items()},
        }
        for outcome in evaluation.outcomes
        for group, values in outcome.groups.items()
    ]
    return pd.DataFrame(rows)


def above_best_baseline(
    evaluation: Evaluation, outcome: Outcome, measure: str, rng: np.random.Generator
) -> Interval | None:
    """How far `outcome` lies above the best baseline of its task; None for a baseline and where nobody was asked."""
    if outcome.name in evaluation.baselines or not evaluation.baselines or not _count(outcome):
        return None
    best = evaluation.best_baseline(outcome.task, measure).name
    return evaluation.above(outcome.name, best, outcome.task, measure, rng)


def page(fold: Fold, evaluation: Evaluation, rng: np.random.Generator) -> str:
    """The whole evaluation in Markdown: a table a task, best first, then the groups."""
    parts = [f"# What was bought from {fold.split:%Y-%m-%d} to {fold.until:%Y-%m-%d}, foreseen", "", protocol(fold)]
    for task in TASKS:
        parts += ["", f"## {task.capitalize()}", "", *_rows(evaluation, task, rng)]
    parts += ["", "## Cold and warm", "", _cold_and_warm(), "", *_group_rows(evaluation)]
    return "\n".join([*parts, ""])


def protocol(fold: Fold) -> str:
    """How it was judged."""
    return (
        f"Learned from everything before {fold.split:%Y-%m-%d}. Full ranking over all products seen before the split, "
        "customers with a history before it and a purchase of such a product after it, ties by id. Intervals are 95 % "
        "of the paired bootstrap by customer (1,000 draws) of the difference to the best baseline of the column."
    )


def card(name: str, recipe: str, fold: Fold, evaluation: Evaluation, verdict: Verdict, shown: Sequence[str]) -> str:
    """The model card: what it is, what it learned from, how it did and beside whom, what it is not for."""
    rows = [
        f"| {outcome.name} | {outcome.task} | " + " | ".join(f"{outcome.mean(measure):.4f}" for measure in shown) + " |"
        for outcome in evaluation.outcomes
    ]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"Recipe: `{recipe}`",
            "",
            f"Judged on {fold.split:%Y-%m-%d} to {fold.until:%Y-%m-%d} after learning from everything before; the "
            f"version itself was then fitted on everything before {fold.until:%Y-%m-%d}. Full ranking over all "
            "products seen before the split, customers with a history before it and a purchase after it, ties by id.",
            "",
            f"| recommender | task | {' | '.join(shown)} |",
            f"| --- | --- |{' --- |' * len(shown)}",
            *rows,
            "",
            f"Gate: {'passed' if verdict.passed else 'refused'}. {verdict.words}.",
            "",
            "It recommends products that people like this customer want; rules at serving know stock, price and what "
            "may be shown. It stores no customers: histories come with the request.",
            "",
        ]
    )


def _count(outcome: Outcome) -> int:
    return len(outcome.values[MEASURES[0]])


def _above(evaluation: Evaluation, outcome: Outcome, rng: np.random.Generator) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure in MEASURES:
        above = above_best_baseline(evaluation, outcome, measure, rng)
        ends = (above.low, above.high) if above else (np.nan, np.nan)
        found |= {f"{measure} above best baseline, {end}": at for end, at in zip(("low", "high"), ends, strict=True)}
    return found


def _rows(evaluation: Evaluation, task: Task, rng: np.random.Generator) -> list[str]:
    outcomes = [outcome for outcome in evaluation.outcomes if outcome.task == task]
    outcomes.sort(key=lambda outcome: -np.nan_to_num(outcome.mean(MEASURES[0])))
    shown = [measure for measure in _SHOWN if all(measure in outcome.values for outcome in outcomes)]
    titles = ["recommender", *shown, f"{MEASURES[0]} above the best baseline", "coverage", "popularity lift", "CPU-ms"]
    lines = [f"| {' | '.join(titles)} |", f"| --- |{' ---: |' * (len(titles) - 1)}"]
    for outcome in outcomes:
        above = above_best_baseline(evaluation, outcome, MEASURES[0], rng)
        name = "*" + outcome.name + "*" if outcome.name in evaluation.baselines else outcome.name
        cells = [name, *(f"{outcome.mean(measure):.4f}" for measure in shown)]
        cells += [str(above or ""), f"{outcome.coverage:.1%}", f"{outcome.popularity_lift:.2f}"]
        lines.append(f"| {' | '.join([*cells, f'{outcome.cpu_ms:.2f}'])} |")
    return lines


def _cold_and_warm() -> str:
    return (
        f"A customer with fewer than {COLD_ORDERS} orders before the split is cold, and so is a product with fewer "
        f"than {COLD_INTERACTIONS} interactions; of products, only such ones are to be found, among everything. "
        f"{MEASURES[0]}, with the number of customers."
    )


def _group_rows(evaluation: Evaluation) -> list[str]:
    found = groups(evaluation)
    if found.empty:
        return ["Not known here."]
    cells = found[MEASURES[0]].map("{:.4f}".format) + found["customers"].map(" ({:,})".format)
    wide = found.assign(cell=cells, column=found["group"] + ", " + found["task"])
    wide = wide.pivot_table(index="recommender", columns="column", values="cell", aggfunc="first", sort=False)
    lines = [f"| recommender | {' | '.join(wide.columns)} |", f"| --- |{' ---: |' * len(wide.columns)}"]
    return [*lines, *(f"| {name} | {' | '.join(row)} |" for name, row in zip(wide.index, wide.to_numpy(), strict=True))]
