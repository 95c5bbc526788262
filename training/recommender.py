"""Fit a recommender, judge it on the last weeks, publish it with the gate's verdict. Nothing goes live from here."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.compute import interactions
from features.definitions import RECOMMENDER_FEATURES
from models.recommenders.base import FittedRecommender, Interactions, Recommender, days
from models.recommenders.fallback import Fallback
from models.recommenders.family import to_json
from models.registry import CHAMPION, Evidence, Published, Registry, Snapshot, Version
from training.baselines import BASELINES
from training.dataset import Exam, digest, exam, to_interactions
from training.evaluate import Evaluation, evaluate
from training.gate import Verdict, judge
from training.report import MEASURES, card, chart, table
from training.splits import Fold, latest_folds

NAME = "recommender"
WINDOW = timedelta(weeks=4)

_STEPS = 5
_CHAMPION = "champion"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trained:
    """A published version, and the evidence for and against it."""

    version: Version
    fold: Fold
    evaluation: Evaluation
    verdict: Verdict


def train(
    history: Path,
    identities: pa.Table,
    registry: Registry,
    end: datetime,
    rng: np.random.Generator,
    recipe: Recommender | None = None,
    window: timedelta = WINDOW,
    progress: Progress = lambda _done, _total: None,
) -> Trained:
    """Judge `recipe` on the last `window` before `end`, fit it on everything before `end`, publish it as challenger.

    The champion, if there is one, sits the same exam. `recipe` is popularity behind RP3beta unless said otherwise.
    Raises ValueError when the history is too short to judge anything.
    """
    recipe = recipe or Fallback()
    (fold,) = latest_folds(end, window, 1)
    progress(0, _STEPS)
    judged = exam(history, identities, fold)
    progress(1, _STEPS)
    live = registry.alias(NAME, CHAMPION)
    champion = registry.load(live) if live else None
    models: dict[str, FittedRecommender] = {recipe.name: recipe.fit(judged.train)}
    if champion:
        models[_CHAMPION] = _opponent(champion, judged)
    baselines = {name: baseline.fit(judged.train) for name, baseline in BASELINES.items()}
    progress(2, _STEPS)
    evaluation = evaluate(models, baselines, judged.holdout)
    verdict = judge(evaluation, recipe.name, _CHAMPION if champion else None, rng)
    progress(3, _STEPS)
    everything = interactions(history, identities, end)
    data = to_interactions(everything, days(end))
    fitted = recipe.fit(data)
    progress(4, _STEPS)
    since = everything["occurred_at"][0].as_py()
    evidence = Evidence(
        parameters={"recipe": to_json(recipe), "window_days": window.days, **_parameters(recipe)},
        metrics=_metrics(evaluation, recipe.name, rng),
        snapshot=_snapshot(data, since, end),
        tables={"evaluation": table(evaluation)},
        figures={"recall": chart(evaluation, rng)},
        card=card(NAME, to_json(recipe), fold, evaluation, verdict, MEASURES),
        tags={
            "gate": "passed" if verdict.passed else "refused",
            "gate.words": verdict.words,
            "gate.champion": live.number if live else "",
        },
    )
    version = registry.publish(NAME, recipe, fitted, RECOMMENDER_FEATURES, evidence)
    progress(5, _STEPS)
    return Trained(version, fold, evaluation, verdict)


def _opponent(champion: Published, judged: Exam) -> FittedRecommender:
    """The champion as it is live, or, if it has seen the days of the exam, its recipe on what the candidate learned."""
    if champion.model.until <= judged.holdout.split:
        return champion.model
    return champion.recipe.fit(judged.train)


def _snapshot(data: Interactions, since: datetime, end: datetime) -> Snapshot:
    return Snapshot(
        name="interactions",
        digest=digest(data),
        since=since,
        until=end,
        interactions=len(data.items),
        customers=data.customer_count,
        products=len(data.item_ids),
    )


def _parameters(recipe: Recommender) -> dict[str, Any]:
    """Every hyper-parameter by a name that says whose it is: `rp3beta.alpha`."""
    found: dict[str, Any] = {}
    for field in fields(recipe):  # type: ignore[arg-type]
        value = getattr(recipe, field.name)
        if isinstance(value, tuple):
            for part in value:
                found |= _parameters(part)
        elif not is_dataclass(value):
            found[f"{recipe.name}.{field.name}"] = value
    return found


def _metrics(evaluation: Evaluation, candidate: str, rng: np.random.Generator) -> dict[str, float]:
    """Means of all by `task/recommender/measure`, and how far the candidate lies above the best baseline."""
    found = {}
    for outcome in evaluation.outcomes:
        group = _name(f"{outcome.task}/{outcome.name}")
        for measure in outcome.values:
            found[f"{group}/{_name(measure)}"] = outcome.mean(measure)
        found[f"{group}/coverage"] = outcome.coverage
        found[f"{group}/popularity_lift"] = outcome.popularity_lift
        if outcome.name == candidate:
            for measure in MEASURES:
                best = evaluation.best_baseline(outcome.task, measure).name
                above = evaluation.above(candidate, best, outcome.task, measure, rng)
                found |= {f"{group}/{_name(measure)}_above_{key}": value for key, value in asdict(above).items()}
    return found


def _name(words: str) -> str:
    """MLflow takes no `@` in the name of a metric."""
    return words.replace(" ", "_").replace("@", "_at_")
