"""What an evaluation looks like: intervals, recall by how much is known of a customer, popularity against coverage."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.arrays import Mask
from training.bootstrap import paired
from training.evaluate import COLD_ORDERS, TASKS, Evaluation, Outcome, Task, mean

MEASURE = "recall@10"
MOST_LINES = 8
"""More lines than this in one panel cannot be told apart: the best ones are drawn."""

_GREY, _BLUE = "#9aa5b1", "#1f6feb"
_BOUNDS = (COLD_ORDERS, 10, 20, 50, 100)
_FEWEST = 10


def chart(evaluation: Evaluation, rng: np.random.Generator, measure: str = MEASURE) -> Figure:
    """`measure` by recommender with 95 % intervals, one panel a task; baselines in grey."""
    count = len({outcome.name for outcome in evaluation.outcomes})
    figure, panels = _panels(height=1.6 + 0.25 * count)
    for panel, task in zip(panels, TASKS, strict=True):
        outcomes = _outcomes(evaluation, task)
        for place, outcome in enumerate(reversed(outcomes)):
            values = outcome.values[measure]
            if len(values):
                interval = paired(values, np.zeros(len(values)), rng)
                reach = [[interval.mean - interval.low], [interval.high - interval.mean]]
                colour = _GREY if outcome.name in evaluation.baselines else _BLUE
                panel.errorbar(interval.mean, place, xerr=reach, fmt="o", color=colour, capsize=3)
        panel.set_yticks(range(len(outcomes)), [outcome.name for outcome in reversed(outcomes)])
        panel.set_ylim(-0.5, len(outcomes) - 0.5)
        panel.set_xlabel(measure)
    return figure


def by_history(evaluation: Evaluation, measure: str = MEASURE) -> Figure:
    """`measure` by the number of orders before the split, a line a recommender; groups of fewer than 10 left out."""
    figure, panels = _panels(height=5)
    for panel, task in zip(panels, TASKS, strict=True):
        best = sorted(_outcomes(evaluation, task), key=lambda outcome: -np.nan_to_num(outcome.mean(measure)))
        lines = _alike(best, lambda outcome: outcome.values[measure].tobytes())
        for names, outcome in list(lines.items())[:MOST_LINES]:
            groups = _by_orders(outcome)
            places = [place for place, part in enumerate(groups.values()) if part.sum() >= _FEWEST]
            heights = [mean(outcome.values[measure][list(groups.values())[place]]) for place in places]
            style = "--" if outcome.name in evaluation.baselines else "-"
            panel.plot(places, heights, style, marker="o", markersize=3, label=names)
            panel.set_xticks(range(len(groups)), list(groups))
        panel.set_xlabel("orders before the split")
        panel.set_ylabel(measure)
        panel.legend(fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, frameon=False)
    return figure


def lift_and_coverage(evaluation: Evaluation) -> Figure:
    """How popular what is shown is, over what was bought, against the share of products that anybody was shown."""
    figure, panels = _panels(height=4.2)
    for panel, task in zip(panels, TASKS, strict=True):
        points = _alike(_outcomes(evaluation, task), lambda outcome: (outcome.coverage, outcome.popularity_lift))
        for names, outcome in points.items():
            colour = _GREY if outcome.name in evaluation.baselines else _BLUE
            spot = (100 * outcome.coverage, outcome.popularity_lift)
            panel.plot(*spot, "o", color=colour)
            panel.annotate(names, spot, xytext=(4, 3), textcoords="offset points", fontsize="x-small")
        panel.axhline(1, color=_GREY, linewidth=0.8)
        panel.margins(x=0.3)
        panel.locator_params(axis="x", nbins=5)
        panel.set_xlabel("coverage, % of the products")
        panel.set_ylabel("popularity lift")
    return figure


def _panels(height: float) -> tuple[Figure, list[Axes]]:
    """One panel a task, side by side."""
    figure = Figure(figsize=(11, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, len(TASKS)))
    for panel, task in zip(panels, TASKS, strict=True):
        panel.set_title(task, loc="left", fontsize="medium")
        panel.grid(alpha=0.3)
    return figure, panels


def _outcomes(evaluation: Evaluation, task: Task) -> list[Outcome]:
    return [outcome for outcome in evaluation.outcomes if outcome.task == task]


def _alike(outcomes: Sequence[Outcome], key: Callable[[Outcome], Hashable]) -> dict[str, Outcome]:
    """One outcome of those with the same `key`, by all their names, as they would be drawn over each other."""
    groups: dict[Hashable, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return {", ".join(outcome.name for outcome in group): group[0] for group in groups.values()}


def _by_orders(outcome: Outcome) -> dict[str, Mask]:
    """Who had how many orders before the split, by words for it; nobody is anywhere when orders are not known."""
    orders = np.full(0, 0) if outcome.orders is None else outcome.orders
    places = np.searchsorted(_BOUNDS, orders, side="right")
    starts = (0, *_BOUNDS)
    words = [*(f"{low}–{high - 1}" for low, high in zip(starts, _BOUNDS, strict=False)), f"{_BOUNDS[-1]}+"]
    return {word: np.asarray(places == place) for place, word in enumerate(words)}
