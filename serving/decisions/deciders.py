"""Who decides for this customer at this moment: a version of the policy, the shop's rule, chance, or nobody.

The arm comes first, then the mode of the decision point. What is missing is replaced by the shop's rule, which then
says nothing that a policy could learn from.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from models.policies.base import FittedPolicy
from models.policies.rule import Message, Rule
from models.policies.uniform import Uniform
from serving.decisions.arms import share_of
from serving.decisions.bank import DecisionPoint, Groups
from serving.decisions.champion import LivePolicy, Policies
from serving.decisions.schemas import ArmName

NO_POLICY = "policy_unavailable"
POLICY_FAILED = "policy_failed"
_CHANCE = Uniform().fit()


@dataclass(frozen=True)
class Decider:
    """Whose probabilities are drawn from. `shadow` is the version that only says what it would do."""

    name: str
    model: FittedPolicy
    version: str | None = None
    alias: str | None = None
    learnable: bool = True
    degraded_reason: str | None = None
    shadow: FittedPolicy | None = None


def decider_of(
    point: DecisionPoint, groups: Groups, arm: ArmName, unit: str, policies: Policies, degraded: str | None
) -> Decider:
    """Who decides at `point` for the customer whose draws hash `unit`, when `degraded` says what is not there."""
    told = degraded is None
    if arm == "holdout":
        return Decider("none", rule_of(()), learnable=False, degraded_reason=degraded)
    if arm == "random":
        return Decider("uniform", _CHANCE, learnable=told, degraded_reason=degraded)
    rule = Decider("rule", rule_of(point.rule), learnable=told, degraded_reason=degraded)
    if arm == "baseline" or (point.mode == "canary" and not _tried(point, groups, unit)):
        return rule
    live = _live(point, groups, unit, policies)
    if point.mode in ("shadow", "apprentice"):
        learnable = told and point.mode == "apprentice"
        return replace(rule, learnable=learnable, shadow=live.model if live else None)
    if live is None or not told:
        return replace(rule, learnable=False, degraded_reason=degraded or NO_POLICY)
    return Decider(live.version.name, live.model, live.version.number, live.alias)


def fallback(point: DecisionPoint, arm: ArmName) -> Decider:
    """Who decides when the one who was to raised."""
    rule = rule_of(() if arm == "holdout" else point.rule)
    return Decider("rule", rule, learnable=False, degraded_reason=POLICY_FAILED)


@lru_cache(maxsize=256)
def rule_of(series: tuple[Message, ...]) -> FittedPolicy:
    """The policy that a series of messages of the action bank is; without messages it is silence."""
    return Rule(series).fit()


def _tried(point: DecisionPoint, groups: Groups, unit: str, trial: str = "") -> bool:
    """Whether what is on trial decides for this customer: drawn apart from the arm, at each point, for each trial."""
    return share_of(unit, f"{groups.salt}:canary:{point.name}:{trial}") < point.canary


def _live(point: DecisionPoint, groups: Groups, unit: str, policies: Policies) -> LivePolicy | None:
    """The version that is responsible for this customer."""
    champion, canary = policies.champion(point.policy), policies.canary(point.policy)
    if canary is None:
        return champion
    shared = point.mode in ("online", "frozen")
    return champion if shared and not _tried(point, groups, unit, canary.version.number) else canary
