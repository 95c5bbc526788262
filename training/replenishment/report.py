"""What an evaluation of restocking says, for people and for files: a table, a page, and the card of a version."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from models.time_to_event.durations import HORIZON
from training.bootstrap import Interval
from training.replenishment.exam import Exam
from training.replenishment.gate import Verdict
from training.replenishment.timing import ALL, STRATA, TASKS, Outcome, Task, Timing

JUDGED = ("rmae", "concordance", "brier 14")
"""The measures whose distance to the best baseline gets an interval."""
ERRORS = ("ece 7", "ece 14", "ece 28")
_SHOWN = {
    "rmae": ("error, days", 2),
    "date mae": ("error of the date, days", 2),
    "within 3 days": ("within 3 days", 3),
    "within 7 days": ("within 7 days", 3),
    "concordance": ("concordance", 4),
    "auc 14": ("AUC, 14 days", 4),
    "skill 14": ("Brier skill, 14 days", 4),
    "ece 7": ("ECE, 7 days", 4),
    "ece 14": ("14 days", 4),
    "ece 28": ("28 days", 4),
    "coverage": ("coverage of the 80 % interval", 3),
}
_WORDS = {"need": "The next purchase of a group", "trips": "The next order"}


def table(timing: Timing, rng: np.random.Generator) -> pd.DataFrame:
    """One row a model, task and stratum: every measure, and on all pairs how much better it is than the best baseline.

    The ends of the 95 % intervals are those of the paired bootstrap; a baseline has none.
    """
    return pd.DataFrame(
        [
            {
                "model": outcome.name,
                "task": outcome.task,
                "purchases": stratum,
                "pairs": part.pairs,
                "customers": len(part.values["rmae"]),
                **{measure: part.mean(measure) for measure in (*part.values, *ERRORS)},
                **_above(timing, outcome, stratum, rng),
                "CPU-seconds a million pairs": 1e6 * outcome.seconds / max(outcome.parts[ALL].pairs, 1),
            }
            for outcome in timing.outcomes
            for stratum, part in outcome.parts.items()
        ]
    )


def carts(timing: Timing) -> pd.DataFrame:
    """The recall of a cart of ten in the next two weeks, best first."""
    rows = [{"ranked by": name, "recall": float(values.mean())} for name, values in timing.carts.items()]
    return pd.DataFrame(rows).sort_values("recall", ascending=False, ignore_index=True)


def above_best_baseline(
    timing: Timing, outcome: Outcome, measure: str, rng: np.random.Generator, stratum: str = ALL
) -> Interval | None:
    """How much better `outcome` is than the best baseline of its task; None for a baseline and without customers."""
    if outcome.name in timing.baselines or not timing.baselines:
        return None
    best = timing.best_baseline(measure, outcome.task).name
    found = timing.above(outcome.name, best, measure, rng, outcome.task, stratum)
    return None if np.isnan(found.mean) else found


def page(judged: Exam, timing: Timing, rng: np.random.Generator) -> str:
    """The whole evaluation in Markdown: a table a task, best first, then the strata of what was known."""
    parts = [f"# Who came back until {_date(judged.asked[-1] + HORIZON)}, foreseen", "", protocol(judged)]
    for task in TASKS:
        parts += ["", f"## {_WORDS[task]}", "", *task_rows(timing, task, rng)]
    parts += ["", "## By purchases known", "", *strata_rows(timing), "", "## A cart of ten, next two weeks", ""]
    found = carts(timing)
    parts += ["| ranked by | recall of repeats |", "| --- | ---: |"]
    parts += [f"| {name} | {recall:.4f} |" for name, recall in zip(found["ranked by"], found["recall"], strict=True)]
    return "\n".join([*parts, ""])


def protocol(judged: Exam) -> str:
    """How it was judged."""
    pairs = len(judged.future["need"].pairs)
    days = " and ".join(_date(day) for day in judged.asked)
    return (
        f"Learned from everything until {_date(judged.split)}. Asked at the end of {days} about {pairs:,} pairs of "
        f"customer and group that were watched then, and followed for {HORIZON} days: errors count at most as many. "
        "Intervals are 95 % of the paired bootstrap by customer (1,000 draws) of how much better a model is than the "
        "best baseline of the column."
    )


def card(name: str, recipe: str, judged: Exam, timing: Timing, verdict: Verdict) -> str:
    """The model card: what it is, what it learned from, how it did and beside whom, what it is not for."""
    rows = [_row(outcome, outcome.task) for outcome in timing.outcomes]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"Recipe: `{recipe}`",
            "",
            f"{protocol(judged)} The version itself was then fitted on everything until "
            f"{_date(judged.asked[-1] + HORIZON)}.",
            "",
            *_head("model", "task"),
            *rows,
            "",
            f"Gate: {'passed' if verdict.passed else 'refused'}. {verdict.words}.",
            "",
            "It says how likely somebody needs something again by a day. Most people are not regular: for most pairs "
            "the probability is the answer and the date a guess. It stores no customers: orders come with the request.",
            "",
        ]
    )


def best_first(timing: Timing, task: Task) -> list[Outcome]:
    """The outcomes of a task by their concordance, ties by name."""
    found = [outcome for outcome in timing.outcomes if outcome.task == task]
    return sorted(found, key=lambda outcome: (-np.nan_to_num(outcome.mean("concordance")), outcome.name))


def _above(timing: Timing, outcome: Outcome, stratum: str, rng: np.random.Generator) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure in JUDGED if stratum == ALL else ():
        above = above_best_baseline(timing, outcome, measure, rng)
        ends = (above.low, above.high) if above else (np.nan, np.nan)
        words = f"{measure} better than the best baseline"
        found |= {f"{words}, {end}": at for end, at in zip(("low", "high"), ends, strict=True)}
    return found


def task_rows(timing: Timing, task: Task, rng: np.random.Generator) -> list[str]:
    """The lines of a Markdown table of everybody at a task, best first; baselines in italics."""
    lines = _head("model", *(f"{measure}, better than the best baseline" for measure in JUDGED))
    for outcome in best_first(timing, task):
        intervals = [str(above_best_baseline(timing, outcome, measure, rng) or "") for measure in JUDGED]
        lines.append(_row(outcome, *intervals, name=_styled(timing, outcome)))
    return lines


def strata_rows(timing: Timing) -> list[str]:
    """The lines of a Markdown table by the days of purchase that were known."""
    lines = _head("model", "purchases", "pairs")
    for stratum in STRATA:
        for outcome in best_first(timing, "need"):
            if stratum in outcome.parts and stratum != ALL:
                pairs = f"{outcome.parts[stratum].pairs:,}"
                lines.append(_row(outcome, stratum, pairs, name=_styled(timing, outcome), stratum=stratum))
    return lines


def _head(name: str, *more: str) -> list[str]:
    titles = [name, *more, *(title for title, _ in _SHOWN.values())]
    return [f"| {' | '.join(titles)} |", f"| --- |{' ---: |' * (len(titles) - 1)}"]


def _row(outcome: Outcome, *more: str, name: str | None = None, stratum: str = ALL) -> str:
    part = outcome.parts[stratum]
    cells = [f"{part.mean(measure):.{digits}f}" for measure, (_, digits) in _SHOWN.items()]
    return f"| {' | '.join([name or outcome.name, *more, *cells])} |"


def _styled(timing: Timing, outcome: Outcome) -> str:
    return f"*{outcome.name}*" if outcome.name in timing.baselines else outcome.name


def _date(day: int) -> str:
    return str(date(1970, 1, 1) + timedelta(days=day))
