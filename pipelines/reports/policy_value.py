"""The report `policy-value`, one a decision point."""

from collections.abc import Iterator
from datetime import datetime

from features.reports.finding import from_text
from features.reports.policy_value import GateVerdict, PolicyValue
from models.policies.rule import Message, Rule
from models.published import CHAMPION
from models.registry import Registry
from pipelines.policies import logs
from pipelines.settings import Settings
from serving.decisions.bank import DecisionPoint
from serving.decisions.bank_file import BankFile
from training.policy.dataset import history
from training.reports.newest import newest
from training.reports.policy_value import LIMIT, policy_value

_SAID = frozenset({"passed", "refused", "pending"})
_VERDICTS = 10


def compute(
    settings: Settings, registry: Registry, as_of: datetime, computed_at: datetime
) -> Iterator[tuple[str, str, PolicyValue]]:
    """What the newest decisions at each point of the action bank were worth, as known at `as_of`."""
    known, bank = logs(settings, made=True), BankFile(settings.action_bank).read()
    try:
        for name, stretch in newest(known.decisions, bank.points, LIMIT, as_of).items():
            point = bank.points[name]
            seen = history(known, [name], as_of, stretch.after)
            live, told = registry.alias(point.policy, CHAMPION), verdicts(registry, point.policy)
            number = None if live is None else live.number
            rule = _rule(point).fit()
            found = policy_value(seen, name, point.policy, number, rule, told, computed_at, stretch.limited)
            yield "policy-value", name, found
    finally:
        known.events.engine.dispose()


def verdicts(registry: Registry, policy: str) -> list[GateVerdict]:
    """What the gate said of the latest versions that it was asked about, newest first.

    What is live goes on learning, and its later states are the same policy: of them there is nothing to say.
    """
    found = []
    for version in registry.versions(policy):
        tags = version.tags
        if tags.get("gate") in _SAID or "canary" in tags:
            words, against = tags.get("gate.words", ""), tags.get("gate.champion") or tags.get("canary.champion")
            found.append(
                GateVerdict(
                    version=version.number,
                    created_at=version.created_at,
                    gate=tags.get("gate", "pending"),
                    words=words,
                    champion=against,
                    canary=tags.get("canary"),
                    canary_words=tags.get("canary.words"),
                    findings=from_text(tags.get("gate.findings")),
                    canary_findings=from_text(tags.get("canary.findings")),
                )
            )
    return found[:_VERDICTS]


def _rule(point: DecisionPoint) -> Rule:
    return Rule(tuple(Message(one.channel, one.delay, one.argument, one.incentive, one.hour) for one in point.rule))
