"""The door to production: a candidate goes live only when the evidence says that it is better, not when it may be."""

from dataclasses import dataclass

import numpy as np

from features.reports.finding import Finding, difference
from training.bootstrap import Interval
from training.evaluate import Evaluation, Task

TASK: Task = "repeats allowed"
MEASURE = "recall@10"
GUARD: Task = "new only"
"""What a better candidate must not pay with. Repeats are most of what is bought, so a model can gain on them while it
gets worse at showing what the customer does not know yet, which is what a shop wants recommendations for."""


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate passed, the interval of the paired difference that decided, and the same in words.

    `findings` are the words as codes with their figures, for pages in other languages.
    `guard` is the interval of the difference at what was new to each customer; None when nobody bought anything new.
    """

    passed: bool
    opponent: str
    interval: Interval
    words: str
    findings: tuple[Finding, ...]
    guard: Interval | None = None


def judge(evaluation: Evaluation, candidate: str, champion: str | None, rng: np.random.Generator) -> Verdict:
    """Pass `candidate` only if the 95 % interval of its difference to the champion lies above 0, the guard's not below.

    Without a champion the best baseline is the opponent, at either task: a first model that popular products beat is
    no model.
    """
    opponent = champion or evaluation.best_baseline(TASK, MEASURE).name
    interval = evaluation.above(candidate, opponent, TASK, MEASURE, rng)
    better = interval.low > 0
    base = evaluation.of(opponent, TASK).mean(MEASURE)
    gain = interval.mean / base if base > 0 else np.nan
    share = f" ({100 * gain:+.1f} %)" if base > 0 else ""
    words = f"{MEASURE}, {TASK}: {candidate} against {opponent} {interval}{share}, {'' if better else 'not '}above 0"
    code = "better_at_repeats" if better else "not_better_at_repeats"
    first = Finding.of(code, {**difference(interval), "gain": gain}, candidate=candidate, opponent=opponent)
    if not len(evaluation.of(candidate, GUARD).values[MEASURE]):
        return Verdict(better, opponent, interval, words, (first,))
    beside = champion or evaluation.best_baseline(GUARD, MEASURE).name
    guard = evaluation.above(candidate, beside, GUARD, MEASURE, rng)
    worse = guard.high < 0
    words += f"; {GUARD}: against {beside} {guard}, {'below 0: worse at it' if worse else 'not below 0'}"
    second = Finding.of("worse_at_new" if worse else "not_worse_at_new", difference(guard), opponent=beside)
    return Verdict(better and not worse, opponent, interval, words, (first, second), guard)
