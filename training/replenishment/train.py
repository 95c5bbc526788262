"""Fit a replenishment model, judge it on the last weeks, publish it with the gate's verdict; nothing goes live."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from features.reports.finding import to_text
from models.catalogue import Catalogue
from models.evidence import Evidence, Snapshot
from models.published import CHAMPION, Version
from models.registry import Registry
from models.time_to_event.family import to_json
from models.time_to_event.lines import Lines
from models.time_to_event.memory import check as check_memory
from models.time_to_event.replenishment import Replenishment
from training.recommender import named
from training.replenishment.exam import Exam, contest, exam
from training.replenishment.gate import Verdict, judge
from training.replenishment.honesty import CALIBRATION, reliabilities
from training.replenishment.plots import calibration, cart_gain, coverage, survival
from training.replenishment.report import ERRORS, JUDGED, above_best_baseline, card, carts, table
from training.replenishment.timing import Timing

NAME = Replenishment.name

_STEPS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trained:
    """A published version, and the evidence for and against it."""

    version: Version
    exam: Exam
    timing: Timing
    verdict: Verdict


def train(
    lines: Lines,
    catalogue: Catalogue,
    registry: Registry,
    rng: np.random.Generator,
    recipe: Replenishment | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    memory: Callable[[], int | None] = lambda: None,
) -> Trained:
    """Judge `recipe` on the last twelve weeks of `lines`, fit it on all of them, publish it as challenger.

    The champion, if there is one, sits the same exam. `memory` tells how many bytes are free, asked before anything is
    fitted, and again before the last fit. Raises ValueError when the history is too short to judge by, and when a fit
    would not find the memory that it needs.
    """
    recipe = recipe or Replenishment()
    progress(0, _STEPS)
    check_memory(recipe, lines, catalogue, memory())
    judged = exam(lines, catalogue, recipe)
    progress(1, _STEPS)
    live = registry.alias(NAME, CHAMPION)
    champion = {CHAMPION: recipe_of(registry, live)} if live else {}
    candidate = recipe.need.name
    timing = contest(judged, {candidate: recipe, **champion})
    verdict = judge(timing, candidate, CHAMPION if live else None, rng)
    progress(2, _STEPS)
    check_memory(recipe, lines, catalogue, memory())
    fitted = recipe.fit(lines, catalogue)
    progress(3, _STEPS)
    evidence = Evidence(
        parameters=parameters(recipe),
        metrics=metrics(timing, rng),
        snapshot=snapshot(lines),
        tables={
            "evaluation": table(timing, rng),
            "carts": carts(timing),
            CALIBRATION: reliabilities(timing, candidate),
        },
        figures=figures(timing, rng),
        card=card(NAME, to_json(recipe), judged, timing, verdict),
        tags={
            "gate": "passed" if verdict.passed else "refused",
            "gate.words": verdict.words,
            "gate.findings": to_text(verdict.findings),
            "gate.champion": live.number if live else "",
        },
    )
    version = registry.publish(NAME, recipe, fitted, (), evidence)
    progress(_STEPS, _STEPS)
    return Trained(version, judged, timing, verdict)


def figures(timing: Timing, rng: np.random.Generator) -> dict[str, Figure]:
    """The plots of an evaluation, by the names of their files."""
    return {
        "calibration": calibration(timing),
        "survival": survival(timing),
        "coverage": coverage(timing),
        "carts": cart_gain(timing, rng),
    }


def metrics(timing: Timing, rng: np.random.Generator) -> dict[str, float]:
    """Every measure by `task/model/measure` and by stratum, and how much better each is than the best baseline."""
    found: dict[str, float] = {}
    for outcome in timing.outcomes:
        for stratum, part in outcome.parts.items():
            owner = f"{outcome.task}/{outcome.name}" + ("" if stratum == "all" else f"/{stratum.replace('+', ' up')}")
            found |= named(owner, {measure: part.mean(measure) for measure in (*part.values, *ERRORS)})
        for measure in JUDGED:
            if above := above_best_baseline(timing, outcome, measure, rng):
                ends = {f"{measure}_above_{end}": getattr(above, end) for end in ("mean", "low", "high")}
                found |= named(f"{outcome.task}/{outcome.name}", ends)
    return found | named("cart_recall_at_10", {name: float(values.mean()) for name, values in timing.carts.items()})


def parameters(recipe: object) -> dict[str, Any]:
    """Every hyper-parameter by a name that says whose it is: `need.learning_rate`."""
    return _parameters(recipe, "")


def recipe_of(registry: Registry, version: Version) -> Replenishment:
    """The recipe of a published version. Raises TypeError when it is of something else."""
    recipe = registry.load(version).recipe
    if not isinstance(recipe, Replenishment):
        raise TypeError(f"{version.name} {version.number} holds {type(recipe).__name__}, no replenishment")
    return recipe


def snapshot(lines: Lines) -> Snapshot:
    """What `lines` were, in figures."""
    hashed = hashlib.sha256("\n".join(lines.product_ids).encode())
    for array in (lines.customers, lines.products, lines.days, lines.packs, lines.prices, np.array(lines.day)):
        hashed.update(np.ascontiguousarray(array).tobytes())
    return Snapshot(
        name="lines",
        digest=hashed.hexdigest()[:16],
        since=_EPOCH + timedelta(days=int(lines.days.min())),
        until=_EPOCH + timedelta(days=lines.day + 1),
        interactions=len(lines.days),
        customers=lines.customer_count,
        products=len(lines.product_ids),
    )


def _parameters(recipe: object, owner: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(recipe):  # type: ignore[arg-type]
        value = getattr(recipe, field.name)
        if is_dataclass(value):
            found[f"{owner}{field.name}"] = getattr(value, "name", type(value).__name__)
            found |= _parameters(value, f"{owner}{field.name}.")
        else:
            found[f"{owner}{field.name}"] = value
    return found
