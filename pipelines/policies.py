"""What the verbs about policies share: which decision points a model decides at, by the action bank, and the logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from models.policies.rule import Message, Rule
from pipelines.settings import Settings
from serving.decisions.bank import Bank, DecisionPoint
from serving.decisions.bank_file import BankFile
from training.policy.dataset import History, Logs, history

_STILL = ("frozen", "off")


@dataclass(frozen=True)
class Decider:
    """A registered policy, and the decision points whose decisions it makes."""

    name: str
    points: Mapping[str, DecisionPoint]
    bank: Bank

    @property
    def rule(self) -> Rule:
        """The shop's own series at the first of the points."""
        series = next(iter(self.points.values())).rule
        return Rule(tuple(Message(one.channel, one.delay, one.argument, one.incentive, one.hour) for one in series))

    @property
    def frozen(self) -> bool:
        """Whether it must not change: one of its points is frozen, or none is on."""
        modes = [point.mode for point in self.points.values()]
        return "frozen" in modes or all(mode in _STILL for mode in modes)

    @property
    def trial(self) -> float:
        """The share of the policy's customers who get a version on trial, at the first of the points."""
        return next(iter(self.points.values())).canary

    @property
    def shares(self) -> Mapping[str, float]:
        """The share of customers in each group."""
        groups = self.bank.groups
        drawn = {"random": groups.random, "baseline": groups.baseline, "holdout": groups.holdout}
        return {"policy": 1 - sum(drawn.values()), **drawn}


def deciders(settings: Settings) -> dict[str, Decider]:
    """Every registered policy that the action bank names."""
    bank = BankFile(settings.action_bank).read()
    names = dict.fromkeys(point.policy for point in bank.points.values())
    return {
        name: Decider(name, {key: point for key, point in bank.points.items() if point.policy == name}, bank)
        for name in names
    }


def decider(settings: Settings, name: str) -> Decider:
    """The policy of this name. Raises LookupError that names those there are."""
    known = deciders(settings)
    if name not in known:
        raise LookupError(f"no decision point has the policy {name!r}; the action bank names {', '.join(known)}")
    return known[name]


def logs(settings: Settings, made: bool = False) -> Logs:
    """The logs and identities, these brought up to the end of the log. Policies learn of real customers and are judged
    on these, of `made` ones only where somebody asks for it."""
    engine = open_database(settings.database_url)
    events, identities = Log(engine, EVENTS), Identities(engine)
    identities.catch_up(events)
    return Logs(events, Log(engine, DECISIONS), identities, made)


def seen(policy: Decider, found: Logs, as_of: datetime, after: int = 0) -> History:
    """What was decided by `policy` or in its place, and what came of it."""
    return history(found, list(policy.points), as_of, after)
