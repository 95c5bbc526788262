"""How good the published replenishment is, or another recipe would be: judged at any moment, nothing published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.catalogue import Catalogue
from models.evidence import Evidence
from models.published import CHALLENGER, CHAMPION, Version
from models.registry import Registry
from models.time_to_event.family import RECIPES
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import Replenishment
from training.assessment import ALL, MODELS
from training.replenishment.exam import Exam, contest, exam
from training.replenishment.report import carts, page, table
from training.replenishment.timing import Timing
from training.replenishment.train import NAME, figures, metrics, parameters, recipe_of, snapshot

EXPERIMENT = f"{NAME}-evaluation"


@dataclass(frozen=True)
class Assessment:
    """What was found, and the run of MLflow that keeps it."""

    exam: Exam
    timing: Timing
    evidence: Evidence
    run_id: str


def assess(
    lines: Lines,
    catalogue: Catalogue,
    registry: Registry,
    rng: np.random.Generator,
    model: str = ALL,
    recipes: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Assessment:
    """Judge `model` (champion, challenger, or all) and `recipes` by name on the last twelve weeks of `lines`.

    `all` is both, so far as they are there, and the recipe that is trained by default when nothing is published. A
    recipe by name is asked about groups and orders alike. Raises LookupError for a model or a recipe that is not there,
    ValueError when there is nothing to judge by.
    """
    published = _published(registry, model)
    entrants = {alias: recipe_of(registry, version) for alias, version in published.items()}
    base = next(iter(entrants.values()), Replenishment())
    if not entrants and not recipes:
        entrants = {base.need.name: base}
    if unknown := set(recipes) - set(RECIPES):
        raise LookupError(f"no recipes {', '.join(sorted(unknown))}; there are {', '.join(sorted(RECIPES))}")
    entrants |= {name: replace(base, need=RECIPES[name](), trips=RECIPES[name]()) for name in recipes}
    judged = exam(lines, catalogue, base)
    timing = contest(judged, entrants, progress)
    asked = {f"{name}.{key}": value for name, recipe in entrants.items() for key, value in parameters(recipe).items()}
    evidence = Evidence(
        parameters={**{alias: version.number for alias, version in published.items()}, **asked},
        metrics=metrics(timing, rng),
        snapshot=snapshot(lines),
        tables={"evaluation": table(timing, rng), "carts": carts(timing)},
        figures=figures(timing, rng),
        card=page(judged, timing, rng),
    )
    title = f"{model} as of {' and '.join(map(str, judged.asked))}"
    return Assessment(judged, timing, evidence, registry.record(EXPERIMENT, title, evidence))


def _published(registry: Registry, model: str) -> dict[str, Version]:
    """The versions asked for, by alias, the newer one first; one that carries both aliases is the champion."""
    if model not in MODELS:
        raise LookupError(f"there is no model {model!r} to evaluate; choose one of {', '.join(MODELS)}")
    aliases = (CHAMPION, CHALLENGER) if model == ALL else (model,)
    versions = {alias: version for alias in aliases if (version := registry.alias(NAME, alias))}
    if model != ALL and not versions:
        raise LookupError(f"{NAME} has no {model}; run `python -m pipelines train {NAME}` first")
    distinct = {version.number: alias for alias, version in reversed(versions.items())}
    return {alias: versions[alias] for alias in distinct.values()}
