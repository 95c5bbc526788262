"""Tuning on a window before the test, with the same number of trials for every recipe, or the comparison is of budgets.

Optuna's tree-structured Parzen estimator (Bergstra et al., 2011) draws where earlier trials did well; the first trial
is always the recipe as it is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import optuna
from optuna.distributions import BaseDistribution

from models.recommenders.base import Recommender
from training.dataset import Exam
from training.evaluate import TASKS, Evaluation, evaluate

Space = Mapping[str, BaseDistribution]

MEASURES = ("recall@10", "ndcg@10")


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried, and what it reached on the validation window."""

    recipe: Recommender
    score: float
    evaluation: Evaluation


def search(
    recipe: Recommender,
    space: Space,
    exam: Exam,
    trials: int,
    seed: int,
    progress: Callable[[Trial], None] = lambda _trial: None,
) -> list[Trial]:
    """Try `recipe` as it is and then draws from `space`, `trials` in all, best first; what is drawn twice counts once.

    `space` names parameters of the recipe. The score is the geometric mean of Recall@10 and NDCG@10 at both tasks, so a
    recipe cannot buy one with another. `exam` is one whose window ends before the test begins: what was tuned on the
    test says nothing about tomorrow. Raises ValueError for a parameter that the recipe does not have.
    """
    names = {field.name for field in fields(recipe)}  # type: ignore[arg-type]
    if unknown := set(space) - names:
        raise ValueError(f"{recipe.name} has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(names))}")
    if trials < 1:
        raise ValueError(f"{trials} trials try nothing; the first one is the recipe as it is")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: getattr(recipe, name) for name in space})
    tried: dict[Recommender, Trial] = {}
    for _ in range(trials):
        drawn = study.ask(dict(space))
        candidate = replace(recipe, **drawn.params)  # type: ignore[type-var]
        if candidate not in tried:
            tried[candidate] = _judged(candidate, exam)
            progress(tried[candidate])
        study.tell(drawn, tried[candidate].score)
    return sorted(tried.values(), key=lambda trial: -trial.score)


def _judged(recipe: Recommender, exam: Exam) -> Trial:
    evaluation = evaluate({recipe.name: recipe.fit(exam.train)}, {}, exam.holdout)
    means = [evaluation.of(recipe.name, task).mean(measure) for task in TASKS for measure in MEASURES]
    asked = [value for value in means if not math.isnan(value)]
    return Trial(recipe, float(np.prod(asked) ** (1 / len(asked))), evaluation)
