"""How good what is published is, or would be: judged again at any moment, with nothing published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from models.evidence import Evidence
from models.published import CHALLENGER, CHAMPION, PublishedRecommender
from models.recommenders.base import Recommender
from models.recommenders.family import RECIPES
from models.recommenders.suite import Suite
from models.registry import Registry
from training.assortment import Assortment
from training.contest import contest
from training.dataset import exam
from training.evaluate import Evaluation
from training.recommender import NAME, WINDOW, figures, metrics, parameters, snapshot
from training.report import groups, page, table
from training.splits import Fold, latest_folds

ALL = "all"
MODELS = (CHAMPION, CHALLENGER, ALL)
EXPERIMENT = f"{NAME}-evaluation"


@dataclass(frozen=True)
class Assessment:
    """What was found, and the run of MLflow that keeps it."""

    fold: Fold
    evaluation: Evaluation
    evidence: Evidence
    run_id: str


def assess(
    history: Path,
    identities: pa.Table,
    registry: Registry,
    end: datetime,
    rng: np.random.Generator,
    model: str = ALL,
    recipes: Sequence[str] = (),
    window: timedelta = WINDOW,
    assortment: Assortment | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    work: Path | None = None,
) -> Assessment:
    """Judge `model` (champion, challenger, or all) and `recipes` by name on the last `window` before `end`.

    `all` is both, so far as they are there, and every member of the newer one; of `Suite()` when nothing is published.
    Raises LookupError for a model or a recipe that is not there, ValueError when there is nothing to judge by.
    """
    published = _published(registry, model)
    members = _members(published) if model == ALL and not recipes else ()
    asked: dict[str, Recommender] = {member.name: member for member in members} | _by_name(recipes)
    (fold,) = latest_folds(end, window, 1)
    judged = exam(history, identities, fold, assortment, work)
    evaluation = contest(judged, asked, published, progress)
    evidence = Evidence(
        parameters={"window_days": window.days, **_versions(published), **parameters(*asked.values())},
        metrics=metrics(evaluation, rng),
        snapshot=snapshot(judged.train, fold.split),
        tables={"evaluation": table(evaluation, rng), "groups": groups(evaluation)},
        figures=figures(evaluation, rng),
        card=page(fold, evaluation, rng),
    )
    title = f"{model} on {fold.split:%Y-%m-%d} to {fold.until:%Y-%m-%d}"
    return Assessment(fold, evaluation, evidence, registry.record(EXPERIMENT, title, evidence))


def _published(registry: Registry, model: str) -> dict[str, PublishedRecommender]:
    if model not in MODELS:
        raise LookupError(f"there is no model {model!r} to evaluate; choose one of {', '.join(MODELS)}")
    aliases = (CHAMPION, CHALLENGER) if model == ALL else (model,)
    versions = {alias: registry.alias(NAME, alias) for alias in aliases}
    if model != ALL and versions[model] is None:
        raise LookupError(f"{NAME} has no {model}; run `python -m pipelines train {NAME}` first")
    distinct = {version.number: (alias, version) for alias, version in reversed(versions.items()) if version}
    return {alias: registry.load(version) for alias, version in reversed(distinct.values())}


def _members(published: Mapping[str, PublishedRecommender]) -> Sequence[Recommender]:
    newer = published.get(CHALLENGER) or published.get(CHAMPION)
    recipe = newer.recipe if newer else Suite()
    return recipe.sources if isinstance(recipe, Suite) else (recipe,)


def _by_name(recipes: Sequence[str]) -> dict[str, Recommender]:
    if unknown := set(recipes) - set(RECIPES):
        raise LookupError(f"no recipes {', '.join(sorted(unknown))}; there are {', '.join(sorted(RECIPES))}")
    return {name: RECIPES[name]() for name in recipes}


def _versions(published: Mapping[str, PublishedRecommender]) -> dict[str, str]:
    return {alias: one.version.number for alias, one in published.items()}
