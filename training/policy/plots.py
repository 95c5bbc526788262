"""What the evaluation of a policy looks like: the tail of the weights, propensities, estimates, and the groups."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.off_policy.base import Evidence
from models.off_policy.diagnostics import Calibration
from training.policy.groups import Comparison
from training.policy.report import estimates_of
from training.policy.value import Compared
from training.policy.verdict import Verdict

_GREY, _BLUE = "#9aa5b1", "#1f6feb"


def figures(verdict: Verdict, compared: Compared, groups: Comparison) -> dict[str, Figure]:
    """The plots by the names of their files; those of estimates only where something could be estimated."""
    found = {"groups": uplift(groups)}
    if verdict.valued is not None:
        found |= {"estimates": estimates(verdict), "weights": weights(compared, verdict.valued.clip)}
    if verdict.calibrated is not None and len(verdict.calibrated.expected):
        found["propensities"] = propensities(verdict.calibrated)
    return found


def weights(compared: Compared, clip: float) -> Figure:
    """The share of decisions whose importance weight is larger, on logarithmic axes, and where weights are clipped."""
    figure, panel = _panel()
    found = np.sort(Evidence(compared.log, compared.target).weights)[::-1]
    panel.loglog(np.maximum(found, 1e-4), np.arange(1, len(found) + 1) / len(found), color=_BLUE)
    panel.axvline(clip, color=_GREY, linewidth=0.8, linestyle="--", label=f"clipped at {clip:g}")
    panel.set_xlabel("importance weight")
    panel.set_ylabel("share of decisions with a larger one")
    panel.legend(fontsize="small", frameon=False)
    return figure


def propensities(calibrated: Calibration) -> Figure:
    """How often actions were taken over how often they should have been, a point a decile of probability."""
    figure, panel = _panel()
    expected, taken = calibrated.expected, calibrated.taken
    panel.errorbar(expected, taken, yerr=2 * np.sqrt(expected), fmt="o", color=_BLUE, capsize=3)
    end = float(max(expected.max(), taken.max())) * 1.05
    panel.plot([0, end], [0, end], color=_GREY, linewidth=0.8, zorder=0)
    panel.set_xlabel("expected by logged probabilities")
    panel.set_ylabel(f"taken (p = {calibrated.pvalue:.3f})")
    return figure


def estimates(verdict: Verdict) -> Figure:
    """How much more than the champion a decision would earn, by estimator, with 95 % intervals."""
    figure, panel = _panel()
    found = estimates_of(verdict)[::-1]
    for place, one in enumerate(found):
        bounds = one.difference
        reach = [[bounds.mean - bounds.low], [bounds.high - bounds.mean]]
        colour = _BLUE if verdict.valued is not None and one is verdict.valued.chosen else _GREY
        panel.errorbar(bounds.mean, place, xerr=reach, fmt="o", color=colour, capsize=3)
    panel.axvline(0, color=_GREY, linewidth=0.8)
    panel.set_yticks(range(len(found)), [one.name for one in found])
    panel.set_xlabel("earned a decision, above the champion")
    return figure


def uplift(groups: Comparison) -> Figure:
    """How much more an episode is worth to the policy's customers than to each other group, with 95 % intervals."""
    figure, panel = _panel()
    for place, interval in enumerate(groups.uplifts.values()):
        if np.isfinite([interval.low, interval.high]).all():
            reach = [[interval.mean - interval.low], [interval.high - interval.mean]]
            panel.errorbar(interval.mean, place, xerr=reach, fmt="o", color=_BLUE, capsize=3)
    panel.axvline(0, color=_GREY, linewidth=0.8)
    panel.set_yticks(range(len(groups.uplifts)), list(groups.uplifts))
    panel.set_xlabel("value of an episode, policy above the group")
    return figure


def _panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    panel: Axes = figure.subplots()
    panel.grid(alpha=0.3)
    return figure, panel
