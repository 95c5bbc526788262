"""The verb `train policy`: a candidate from all that is settled in the log, or one that starts from the shop's rule."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Console

from models.policies.family import RECIPES
from models.published import CHAMPION
from models.registry import Registry
from pipelines.policies import decider, logs, seen
from pipelines.settings import Settings
from training.policy.dataset import History
from training.policy.rewards import in_words
from training.policy.train import Trained, train


@dataclass(frozen=True)
class TrainReport:
    """What scripts read."""

    version: str
    run_id: str
    recipe: str
    decisions: int
    left_out: dict[str, int]


def train_policy(
    settings: Settings, registry: Registry, name: str, recipe: str | None, fresh: bool, as_of: datetime
) -> Trained:
    """Publish a candidate of the policy `name` as its challenger.

    `recipe` is one by name, with its defaults; that of the champion when None. `fresh` learns nothing from the log.
    Raises LookupError for a policy or a recipe that is not there.
    """
    policy, known = decider(settings, name), logs(settings)
    if recipe is not None and recipe not in RECIPES:
        raise LookupError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    live = registry.alias(name, CHAMPION)
    chosen = RECIPES[recipe]() if recipe else registry.load(live).recipe if live else None
    end = known.decisions.last_position()
    found: History = seen(policy, known, as_of, end if fresh else 0)
    return train(name, found, policy.rule, registry, end, chosen)


def report(trained: Trained) -> dict[str, Any]:
    """The short form."""
    version = trained.version
    left_out = dict(trained.left_out)
    return asdict(TrainReport(version.number, version.run_id, trained.recipe.name, trained.decisions, left_out))


def print_trained(trained: Trained, console: Console) -> None:
    """What it learned from, and what comes next."""
    version = trained.version
    learned = f"learned from {trained.decisions:,} settled decisions" if trained.decisions else "starts from the rule"
    console.print(
        f"{version.name} {version.number} ({trained.recipe.name}) {learned}. Left out: {in_words(trained.left_out)}."
    )
    console.print(
        f"It is the challenger now, frozen: `evaluate policy {version.name}` judges it on what is decided from here on."
        if trained.decisions
        else f"It is the challenger now; where nothing is live yet, `promote {version.name}` lets it begin."
    )
