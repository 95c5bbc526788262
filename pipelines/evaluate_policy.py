"""The verb `evaluate policy`: a frozen candidate judged on what was decided since, and what the groups say."""

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models.published import CHALLENGER, CHAMPION, Version
from models.registry import Registry
from pipelines.evaluate import write
from pipelines.policies import decider, logs, seen
from pipelines.settings import Settings
from training.policy.assess import Assessment, assess
from training.policy.report import WORDS, cells, estimates_of


def evaluate_policy(
    settings: Settings, registry: Registry, name: str, number: str | None, out: Path | None, as_of: datetime
) -> Assessment:
    """Judge version `number` of the policy `name` (the challenger, when None) against the champion.

    Its verdict is written on the version, where `promote` reads it. Raises LookupError when there is nothing to judge,
    or nothing to judge it against.
    """
    policy, known = decider(settings, name), logs(settings)
    version, live = _asked(registry, name, number), registry.alias(name, CHAMPION)
    if live is None:
        raise LookupError(f"{name} has no champion to compare with; `python -m pipelines promote {name}` begins")
    found = assess(version, live, seen(policy, known, as_of), policy.shares, registry)
    if out is not None:
        write(found.evidence, out)
    return found


def report(found: Assessment) -> dict[str, Any]:
    """What scripts read."""
    verdict, power = found.verdict, found.provable
    return {
        "run_id": found.run_id,
        "version": found.version.number,
        "gate": found.gate,
        "words": verdict.words,
        "refusals": list(verdict.codes),
        "decisions": verdict.decisions,
        "provable_in_a_month": power and {"decisions": power.decisions, "uplift": power.uplift, "chance": power.chance},
        "estimates": {
            one.name: {
                "value": one.value.mean,
                "difference": [one.difference.mean, one.difference.low, one.difference.high],
                "least": one.least,
            }
            for one in estimates_of(verdict)
        },
        "groups": {
            arm: {
                "customers": group.customers,
                "episodes": group.episodes,
                "value": group.value.mean,
                "policy_above": [above.mean, above.low, above.high] if above else None,
            }
            for arm, group in found.groups.groups.items()
            for above in [found.groups.uplifts.get(arm)]
        },
    }


def print_assessment(found: Assessment, console: Console) -> None:
    """The estimates, the groups, the verdict."""
    verdict, groups = found.verdict, found.groups
    if verdict.valued is not None:
        table = Table("estimator", "a decision", "above the champion", "at least", title="\nWhat it would earn")
        for one in estimates_of(verdict):
            table.add_row(
                WORDS.get(one.name, one.name), f"{one.value.mean:.4f}", str(one.difference), f"{one.least:+.4f}"
            )
        console.print(table)
    table = Table(title="\nGroups of customers, per episode", box=None)
    for column in (
        "group",
        "customers",
        "episodes",
        "value",
        "bought",
        "messages",
        "unsub-\nscribed",
        "policy above it",
    ):
        table.add_column(column, justify="left" if column == "group" else "right")
    for group in groups.groups.values():
        table.add_row(*cells(group, groups.uplifts.get(group.arm)))
    console.print(table)
    if groups.mismatch:
        console.print(f"[red]The groups have not the sizes that they should have (p = {groups.ratio:.1g}).[/red]")
    colour = {"passed": "green", "refused": "red"}.get(found.gate, "yellow")
    console.print(f"Gate: [{colour}]{found.gate}[/{colour}]. {verdict.words}", highlight=False)
    if found.provable:
        console.print(f"What your traffic can prove: in a month, {found.provable}.", highlight=False)
    console.print(f"MLflow keeps it with plots as run {found.run_id}.", highlight=False)


def _asked(registry: Registry, name: str, number: str | None) -> Version:
    version = registry.version(name, number) if number else registry.alias(name, CHALLENGER)
    if version is None:
        raise LookupError(f"{name} has no challenger; run `python -m pipelines train policy {name}` first")
    return version
