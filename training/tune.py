"""Tuning by random search on a window before the test: simple, honest, and hard to beat (Bergstra and Bengio, 2012)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.recommenders.base import Recommender
from training.dataset import Exam
from training.evaluate import TASKS, Evaluation, evaluate

Choices = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried, and what it reached on the validation window."""

    recipe: Recommender
    score: float
    evaluation: Evaluation


def search(
    recipe: Recommender,
    choices: Choices,
    exam: Exam,
    trials: int,
    rng: np.random.Generator,
    progress: Callable[[Trial], None] = lambda _trial: None,
) -> list[Trial]:
    """Try `recipe` as it is and `trials` variations drawn from `choices`, best first.

    `choices` names parameters of the recipe and the values to draw from. The score is the geometric mean of Recall@10
    and NDCG@10 at both tasks, so a recipe cannot buy one with another. `exam` is one whose window ends before the test
    begins: what was tuned on the test says nothing about tomorrow.
    """
    candidates = [recipe]
    for _ in range(trials):
        drawn = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
        candidates.append(replace(recipe, **drawn))  # type: ignore[type-var]
    results = []
    for candidate in dict.fromkeys(candidates):
        evaluation = evaluate({candidate.name: candidate.fit(exam.train)}, {}, exam.holdout)
        results.append(Trial(candidate, _score(evaluation, candidate.name), evaluation))
        progress(results[-1])
    return sorted(results, key=lambda trial: -trial.score)


def _score(evaluation: Evaluation, name: str) -> float:
    means = [evaluation.of(name, task).mean(measure) for task in TASKS for measure in ("recall@10", "ndcg@10")]
    return float(np.prod(means) ** (1 / len(means)))
