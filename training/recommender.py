"""Fit a suite of recommenders, judge it on the last weeks, publish it with the gate's verdict; nothing goes live."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from features.definitions import RECOMMENDER_FEATURES
from features.reports.finding import to_text
from models.evidence import Evidence, Snapshot
from models.published import CHAMPION, Version
from models.recommenders.base import Interactions, Recommender
from models.recommenders.combinator import Combinator, Fit, distinct, fit_all, here
from models.recommenders.family import to_json
from models.recommenders.suite import Suite
from models.registry import Registry
from training.assortment import Assortment
from training.contest import contest
from training.dataset import digest, exam, latest, with_catalogues
from training.evaluate import Evaluation, mean
from training.gate import Verdict, judge
from training.plots import by_history, chart, lift_and_coverage
from training.reading import read
from training.report import MEASURES, above_best_baseline, card, groups, table
from training.splits import Fold, latest_folds

NAME = "recommender"
WINDOW = timedelta(weeks=4)

_STEPS = 4

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
    suite: Suite | None = None,
    window: timedelta = WINDOW,
    assortment: Assortment | None = None,
    progress: Progress = lambda _done, _total: None,
    memory: Callable[[], int | None] = lambda: None,
    by: Fit = here,
    work: Path | None = None,
    learned_days: int | None = None,
) -> Trained:
    """Judge `suite` on the last `window` before `end`, fit it on everything before `end`, publish it as challenger.

    The suite's first recommender answers for it at the gate; the champion, if there is one, and the other members sit
    the same exam. With an `assortment`, models learn from what was known about products too. `memory` tells how many
    bytes are free, asked before each fit, `by` how a recipe is fitted, and `work` where lines lie while they are read.
    With `learned_days` only so many days before the end are learned from, and before the exam. Raises ValueError when
    the history is too short to judge anything, and when a fit would not find the memory that it needs.
    """
    suite = suite or Suite()
    candidate = suite.sources[0].name
    (fold,) = latest_folds(end, window, 1)
    progress(0, _STEPS)
    judged = exam(history, identities, fold, assortment, work, learned_days)
    progress(1, _STEPS)
    live = registry.alias(NAME, CHAMPION)
    evaluation = contest(
        judged,
        {member.name: member for member in suite.sources},
        {CHAMPION: registry.load(live)} if live else {},
        memory=memory(),
        by=by,
    )
    verdict = judge(evaluation, candidate, CHAMPION if live else None, rng)
    progress(2, _STEPS)
    data = read(history, identities, end, work=work).data
    if learned_days is not None:
        data = latest(data, learned_days)
    if assortment is not None:
        data = with_catalogues(data, history, identities, assortment, end)
    fitted = fit_all([suite], data, memory=memory(), by=by)[suite]
    progress(3, _STEPS)
    evidence = Evidence(
        parameters={
            "window_days": window.days,
            "learned_days": learned_days or "all",
            "answers": candidate,
            **parameters(suite),
        },
        metrics=metrics(evaluation, rng),
        snapshot=snapshot(data, end),
        tables={"evaluation": table(evaluation, rng), "groups": groups(evaluation)},
        figures=figures(evaluation, rng),
        card=card(NAME, to_json(suite), fold, evaluation, verdict, MEASURES),
        tags={
            "gate": "passed" if verdict.passed else "refused",
            "gate.words": verdict.words,
            "gate.findings": to_text(verdict.findings),
            "gate.champion": live.number if live else "",
        },
    )
    version = registry.publish(NAME, suite, fitted, RECOMMENDER_FEATURES, evidence)
    progress(_STEPS, _STEPS)
    return Trained(version, fold, evaluation, verdict)


def figures(evaluation: Evaluation, rng: np.random.Generator) -> dict[str, Figure]:
    """The plots of an evaluation, by the names of their files."""
    return {"recall": chart(evaluation, rng), "history": by_history(evaluation), "lift": lift_and_coverage(evaluation)}


def snapshot(data: Interactions, end: datetime) -> Snapshot:
    """What `data`, which ends at `end`, was in figures."""
    oldest = float(data.days.min(initial=data.until))
    return Snapshot(
        name="interactions",
        digest=digest(data),
        since=end - timedelta(days=data.until - oldest),
        until=end,
        interactions=len(data.items),
        customers=data.customer_count,
        products=len(data.item_ids),
    )


def parameters(*recipes: Recommender) -> dict[str, Any]:
    """Every hyper-parameter of every distinct recipe by a name that says whose it is: `rp3beta.alpha`.

    A second recipe of a name is numbered: `rp3beta:2.alpha`.
    """
    found: dict[str, Any] = {}
    count: dict[str, int] = {}
    for part in dict.fromkeys(part for recipe in recipes for part in distinct(recipe)):
        number = count[part.name] = count.get(part.name, 0) + 1
        owner = part.name if number == 1 else f"{part.name}:{number}"
        for field in fields(part):  # type: ignore[arg-type]
            value = getattr(part, field.name)
            if field.name == "sources" and isinstance(part, Combinator):
                value = ", ".join(source.name for source in value)
            found[f"{owner}.{field.name}"] = value
    return found


def metrics(evaluation: Evaluation, rng: np.random.Generator) -> dict[str, float]:
    """Means of all by `task/recommender/measure`, and how far each lies above the best baseline."""
    found: dict[str, float] = {}
    for outcome in evaluation.outcomes:
        values: dict[str, float] = {measure: outcome.mean(measure) for measure in outcome.values}
        values |= {"coverage": outcome.coverage, "popularity_lift": outcome.popularity_lift}
        for measure in MEASURES:
            above = above_best_baseline(evaluation, outcome, measure, rng)
            values |= {f"{measure}_above_{key}": value for key, value in asdict(above).items()} if above else {}
        found |= named(f"{outcome.task}/{outcome.name}", values)
        for group, of in outcome.groups.items():
            found |= named(f"{outcome.task}/{outcome.name}/{group}", {MEASURES[0]: mean(of[MEASURES[0]])})
    return found


def named(owner: str, values: Mapping[str, float]) -> dict[str, float]:
    """MLflow takes no `@` in the name of a metric, and what nobody was asked has no figure."""
    found = {f"{owner}/{measure}".replace(" ", "_").replace("@", "_at_"): value for measure, value in values.items()}
    return {name: value for name, value in found.items() if not np.isnan(value)}
