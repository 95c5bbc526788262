"""What an evaluation of restocking looks like: are probabilities right, curves, intervals, and do carts gain by it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.bootstrap import paired
from training.metrics.survival import SHARE, WINDOWS
from training.replenishment.report import best_first
from training.replenishment.timing import Outcome, Task, Timing

MOST_LINES = 5
"""More models than this in one panel cannot be told apart: the best ones are drawn."""
_GREY, _BLUE, _BLACK = "#9aa5b1", "#1f6feb", "#24292f"
_FEWEST = 10


def calibration(timing: Timing, task: Task = "need") -> Figure:
    """Share that came over stated probability, in bins of equal size: on the diagonal, what is said is true."""
    figure, panels = _panels([f"within {days} days" for days in WINDOWS])
    for panel, days in zip(panels, WINDOWS, strict=True):
        for outcome in _drawn(timing, task):
            told = outcome.parts["all"].reliability[days]
            label = f"{outcome.name}, {told.error:.3f}"
            panel.plot(told.predicted, told.observed, _style(timing, outcome), marker="o", markersize=3, label=label)
        end = max(panel.get_xlim()[1], panel.get_ylim()[1])
        panel.plot([0, end], [0, end], color=_GREY, linewidth=0.8, zorder=0)
        panel.set_xlabel("stated probability")
        panel.set_ylabel("share that came")
        panel.legend(fontsize="x-small", frameon=False)
    return figure


def survival(timing: Timing, task: Task = "need") -> Figure:
    """Who has not come back yet, by day: what was seen (Kaplan and Meier) and what was said, a panel a stratum."""
    seen = timing.seen[task]
    figure, panels = _panels([f"{word} purchases known" if word != "all" else "all pairs" for word in seen])
    for panel, (stratum, curve) in zip(panels, seen.items(), strict=True):
        panel.step(np.arange(len(curve)), curve, color=_BLACK, linewidth=2, label="seen")
        for outcome in _drawn(timing, task):
            panel.plot(outcome.parts[stratum].curve, _style(timing, outcome), linewidth=1.2, label=outcome.name)
        panel.set_ylim(0, 1.02)
        panel.set_xlabel("days")
    panels[0].legend(fontsize="x-small", frameon=False)
    return figure


def coverage(timing: Timing, task: Task = "need") -> Figure:
    """How often the 80 % interval held the purchase, from the pairs expected soonest to those expected last."""
    figure, (panel,) = _panels([""])
    for outcome in _drawn(timing, task):
        deciles = np.arange(1, len(outcome.coverage) + 1)
        panel.plot(deciles, outcome.coverage, _style(timing, outcome), marker="o", markersize=3, label=outcome.name)
    panel.axhline(SHARE, color=_GREY, linewidth=0.8)
    panel.set_ylim(0, 1)
    panel.set_xlabel("decile of expected time")
    panel.set_ylabel("coverage of the 80 % interval")
    panel.legend(fontsize="x-small", frameon=False)
    return figure


def cart_gain(timing: Timing, rng: np.random.Generator) -> Figure:
    """How much more of the next two weeks a cart of ten catches than one filled by frequency, with 95 % intervals."""
    rules = [name for name in timing.carts if name not in {outcome.name for outcome in timing.outcomes}]
    best = max(rules, key=lambda name: float(timing.carts[name].mean()))
    ranked = sorted(timing.carts, key=lambda name: float(timing.carts[name].mean()))
    figure, (panel,) = _panels([f"against {best}, whose recall is {timing.carts[best].mean():.3f}"])
    for place, name in enumerate(ranked):
        gain = paired(timing.carts[name], timing.carts[best], rng)
        reach = [[gain.mean - gain.low], [gain.high - gain.mean]]
        colour = _GREY if name in (*timing.baselines, *rules) else _BLUE
        panel.errorbar(gain.mean, place, xerr=reach, fmt="o", color=colour, capsize=3)
    panel.axvline(0, color=_GREY, linewidth=0.8)
    panel.set_yticks(range(len(ranked)), ranked)
    panel.set_xlabel("recall of repeats gained")
    return figure


def _panels(titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(1 + 3.4 * max(len(titles), 2), 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(np.atleast_1d(figure.subplots(1, len(titles))))
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title, loc="left", fontsize="medium")
        panel.grid(alpha=0.3)
    return figure, panels


def _drawn(timing: Timing, task: Task) -> list[Outcome]:
    return best_first(timing, task)[:MOST_LINES]


def _style(timing: Timing, outcome: Outcome) -> str:
    return "--" if outcome.name in timing.baselines else "-"
