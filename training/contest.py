"""One exam that everybody sits: recipes fitted on what was known, published models, and the baselines."""

from collections.abc import Callable, Mapping

from models.published import PublishedRecommender
from models.recommenders.base import FittedRecommender, Recommender
from models.recommenders.combinator import Fit, fit_all, here
from models.recommenders.suite import Suite
from training.baselines import BASELINES
from training.dataset import Exam
from training.evaluate import Evaluation, evaluate


def contest(
    judged: Exam,
    recipes: Mapping[str, Recommender],
    published: Mapping[str, PublishedRecommender],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    memory: int | None = None,
    by: Fit = here,
) -> Evaluation:
    """Judge `recipes` and `published` models, each under its name, beside the baselines.

    A published model answers as it is live, or, when it has seen the days of the exam, its recipe is fitted on what
    everybody else learned from. Equal recipes are fitted once, within `memory` and `by` as in `fit_all`.
    """
    live = {name: one.model for name, one in published.items() if one.model.until <= judged.holdout.split}
    renewed = {name: answering(one.recipe) for name, one in published.items() if name not in live}
    wanted = {**recipes, **renewed}
    fitted = fit_all([*wanted.values(), *BASELINES.values()], judged.train, memory=memory, by=by)
    entrants: dict[str, FittedRecommender] = {name: fitted[recipe] for name, recipe in wanted.items()}
    baselines = {name: fitted[recipe] for name, recipe in BASELINES.items()}
    return evaluate({**entrants, **live}, baselines, judged.holdout, progress)


def answering(recipe: Recommender) -> Recommender:
    """The recipe that answers when nobody says which: a suite's first.

    >>> answering(Suite()).name == Suite().sources[0].name
    True
    """
    return recipe.sources[0] if isinstance(recipe, Suite) else recipe
