"""The door to production: a candidate goes live only when the evidence says that it is better, not when it may be."""

from dataclasses import dataclass

import numpy as np

from training.bootstrap import Interval
from training.evaluate import Evaluation, Task

TASK: Task = "repeats allowed"
MEASURE = "recall@10"


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate passed, the interval of the paired difference that decided, and the same in words."""

    passed: bool
    opponent: str
    interval: Interval
    words: str


def judge(evaluation: Evaluation, candidate: str, champion: str | None, rng: np.random.Generator) -> Verdict:
    """Pass `candidate` only if the 95 % interval of its difference to the champion lies above 0.

    Without a champion the best baseline is the opponent: a first model that popular products beat is no model.
    """
    opponent = champion or evaluation.best_baseline(TASK, MEASURE).name
    interval = evaluation.above(candidate, opponent, TASK, MEASURE, rng)
    passed = interval.low > 0
    finding = "above 0" if passed else "not above 0"
    words = f"{MEASURE}, {TASK}: {candidate} against {opponent} {interval}, {finding}"
    return Verdict(passed, opponent, interval, words)
