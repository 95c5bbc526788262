"""What an evaluation says, for people: a table, a plot, and the model card that goes with a version."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.bootstrap import paired
from training.evaluate import TASKS, Evaluation
from training.gate import Verdict
from training.splits import Fold

MEASURES = ("recall@10", "ndcg@10")
_COLOURS = {True: "#9aa5b1", False: "#1f6feb"}


def table(evaluation: Evaluation) -> pd.DataFrame:
    """One row a recommender and task, every measure as its mean over customers."""
    rows = [
        {
            "recommender": outcome.name,
            "task": outcome.task,
            "customers": len(outcome.values[MEASURES[0]]),
            **{measure: outcome.mean(measure) for measure in outcome.values},
            "coverage": outcome.coverage,
            "popularity lift": outcome.popularity_lift,
            "CPU-ms a query": outcome.cpu_ms,
        }
        for outcome in evaluation.outcomes
    ]
    return pd.DataFrame(rows)


def chart(evaluation: Evaluation, rng: np.random.Generator, measure: str = "recall@10") -> Figure:
    """`measure` by recommender with 95 % intervals, one panel a task; baselines in grey."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(TASKS))
    for panel, task in zip(panels, TASKS, strict=True):
        outcomes = [outcome for outcome in evaluation.outcomes if outcome.task == task]
        for place, outcome in enumerate(reversed(outcomes)):
            values = outcome.values[measure]
            interval = paired(values, np.zeros(len(values)), rng)
            reach = [[interval.mean - interval.low], [interval.high - interval.mean]]
            colour = _COLOURS[outcome.name in evaluation.baselines]
            panel.errorbar(interval.mean, place, xerr=reach, fmt="o", color=colour, capsize=3)
        panel.set_yticks(range(len(outcomes)), [outcome.name for outcome in reversed(outcomes)])
        panel.set_ylim(-0.5, len(outcomes) - 0.5)
        panel.set_title(task, loc="left", fontsize="medium")
        panel.set_xlabel(measure)
        panel.grid(axis="x", alpha=0.3)
    return figure


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
            "It recommends products that people like this customer want; it does not know stock, price or margin, and "
            "a product that nobody has bought is not in it. It stores no customers: histories come with the request.",
            "",
        ]
    )
