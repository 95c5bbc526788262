"""Make a candidate: a policy fitted on all that is settled, or one that knows the shop's rule only. Nothing goes live.

A candidate is frozen from here on. It carries how long the logs were, and the gate judges it on what was decided since.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
import pandas as pd

from features.log import moment
from features.reports.finding import Finding, to_text
from models.evidence import Evidence, Snapshot
from models.line import AS_OF, DECISIONS, DIGEST, EVENTS, FROZEN, SAW_NOTHING
from models.policies.base import Policy
from models.policies.factored import Factored
from models.policies.family import to_json
from models.policies.logged import LoggedDecisions
from models.policies.rule import Rule
from models.policies.sequential import Sequential
from models.published import CHALLENGER, Version
from models.registry import Registry
from training.policy.dataset import History
from training.policy.rewards import in_words
from training.replenishment.train import parameters

P = TypeVar("P", bound=Policy)


@dataclass(frozen=True)
class Trained:
    """A published candidate, and from how many decisions it learned."""

    version: Version
    recipe: Policy
    decisions: int
    left_out: Mapping[str, int]


def train(
    name: str, seen: History, rule: Rule, registry: Registry, frozen: int, recipe: Policy | None = None
) -> Trained:
    """Fit `recipe` (factored, when None) on what is settled in `seen`, publish it as the challenger of `name`.

    A recipe that has a `rule` to start from gets the shop's. `frozen` is how long the decision log is now. What has not
    settled yet is left for later: the version learns it once, when it is live.
    """
    recipe = started(recipe or Factored(), rule)
    inside = np.arange(len(seen)) < seen.settled
    log = seen.log(inside & seen.teaches, adds_up(recipe))
    fitted = recipe.fit(log if len(log) else None)
    upto = int(seen.journal.positions[seen.settled - 1]) if seen.settled else 0
    told = evidence(name, recipe, seen, log, upto)
    tags = {
        FROZEN: str(frozen),
        SAW_NOTHING: str(not len(log)).lower(),
        "gate": "pending",
        "gate.words": f"frozen at position {frozen} of the decision log; `evaluate policy` judges it on what is behind",
        "gate.findings": to_text([Finding.of("frozen", {"position": frozen})]),
    }
    version = registry.publish(name, recipe, fitted, (), replace(told, tags={**told.tags, **tags}), CHALLENGER)
    return Trained(version, recipe, len(log), seen.left_out)


def adds_up(recipe: Policy) -> bool:
    """Whether a recipe adds up the rewards of an episode by itself, and so wants the own part of each decision."""
    return isinstance(recipe, Sequential)


def started(recipe: P, rule: Rule) -> P:
    """`recipe`, from the shop's rule where it starts from one and has none yet."""
    if isinstance(recipe, Sequential):
        return replace(recipe, each=started(recipe.each, rule))
    if getattr(recipe, "rule", rule) == Rule():
        return replace(recipe, rule=rule)  # type: ignore[type-var]
    return recipe


def evidence(name: str, recipe: Policy, seen: History, log: LoggedDecisions, upto: int) -> Evidence:
    """What a version says of the decisions it learned from, the last of them at position `upto`."""
    snapshot = snapshot_of(log, seen.as_of)
    rows = [
        {"arm": arm, "left out": reason, "decisions": count, "reward": reward}
        for (arm, reason), (count, reward) in _counts(seen).items()
    ]
    return Evidence(
        parameters=parameters(recipe),
        metrics={
            "decisions": float(len(log)),
            "reward": float(log.rewards.mean()) if len(log) else 0.0,
            "matured": float(log.matured.mean()) if len(log) else 0.0,
            **{f"left_out/{reason}": float(count) for reason, count in seen.left_out.items()},
        },
        snapshot=snapshot,
        tables={"decisions": pd.DataFrame(rows)},
        card=_card(name, recipe, seen, log),
        tags={
            DECISIONS: str(upto),
            EVENTS: str(seen.events),
            AS_OF: seen.as_of.isoformat(),
            DIGEST: snapshot.digest,
        },
    )


def snapshot_of(log: LoggedDecisions, as_of: datetime) -> Snapshot:
    """What was learned from, in figures. Only what is mature counts in the digest: the rest is an expectation."""
    hashed = hashlib.sha256()
    for array in (log.at, log.chosen, log.rewards):
        hashed.update(np.ascontiguousarray(array[log.matured]).tobytes())
    since = moment(round(float(log.at.min()) * 86_400e6)) if len(log) else as_of
    customers = len(np.unique(log.customers))
    return Snapshot("decisions", hashed.hexdigest()[:16], since, as_of, len(log), customers, 0)


def _counts(seen: History) -> dict[tuple[str, str], tuple[int, float]]:
    pairs = list(zip(seen.arms, seen.rewards.left_out, strict=True))
    found = {}
    for pair in sorted(set(pairs)):
        values = seen.rewards.values[[one == pair for one in pairs]]
        known = values[~np.isnan(values)]
        found[pair] = len(values), float(known.mean()) if len(known) else float("nan")
    return found


def _card(name: str, recipe: Policy, seen: History, log: LoggedDecisions) -> str:
    return "\n".join(
        [
            f"# {name}",
            "",
            f"Recipe: `{to_json(recipe)}`",
            "",
            f"Learned from {len(log):,} decisions about {len(np.unique(log.customers)):,} customers, as of "
            f"{seen.as_of:%Y-%m-%d %H:%M} UTC; {int(log.matured.sum()):,} of them mature. Left out: "
            f"{in_words(seen.left_out)}.",
            "",
            "It says with which probability each eligible message, or silence, is chosen. Rules come before it: it "
            "never sees what a rule forbids. It stores no customers.",
            "",
        ]
    )
