"""Who goes live: `promote` moves the alias `champion` to a version that passed the gate, `rollback` moves it back.

A policy takes one step more. What the gate knows of it rests on what another policy did, so passing makes it the
`canary`, and only the comparison of customers who were given the one or the other at random makes it the champion.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.line import SAW_NOTHING, line_of
from models.published import CANARY, CHALLENGER, CHAMPION, FAMILY, Version
from models.registry import Registry

Reason = Literal["nothing_live", "on_trial", "not_passed", "rolled_back", "judged_against_another"]


class Refused(RuntimeError):
    """A promotion that the evidence does not carry; the message says what is missing and what to run, `reason` which
    of the rules it was."""

    def __init__(self, reason: Reason, told: str) -> None:
        super().__init__(told)
        self.reason = reason


@dataclass(frozen=True)
class Promotion:
    """What moved: the version that is live now, the one that was, and the one that is tried on some customers."""

    live: Version
    replaced: Version | None
    canary: Version | None = None


def promote(
    registry: Registry, name: str, number: str | None, who: str, why: str, at: datetime, force: bool = False
) -> Promotion:
    """Make version `number` (the challenger, when None) of model `name` the champion, a policy the canary before that.

    The gate's verdict was written when the version was trained, against the champion of that moment; when another one
    is live by now, the verdict says nothing about it. `force` promotes all the same, and the version says so for ever.

    Raises LookupError when there is no such version, Refused when the verdict does not carry it.
    """
    if not why.strip():
        raise ValueError("a promotion needs a reason: --why")
    with registry.moving(name):
        return _promoted(registry, name, number, who, why, at, force)


def _promoted(
    registry: Registry, name: str, number: str | None, who: str, why: str, at: datetime, force: bool
) -> Promotion:
    version = registry.version(name, number) if number else registry.alias(name, CHALLENGER)
    if version is None:
        raise LookupError(f"{name} has no challenger; `python -m pipelines train --help` lists what can be trained")
    live = registry.alias(name, CHAMPION)
    policy = version.tags.get(FAMILY) == "policy"
    if force:
        why = _forced(version, policy, why)
    elif not policy:
        _check(version, live)
    elif live is None:
        _check_first(version)
    elif _is_canary(registry, version):
        _check_trial(version, live)
    else:
        _check(version, live)
        return Promotion(live, None, registry.admit(version, who, why, at))
    return Promotion(registry.promote(version, who, why, at), live)


def _forced(version: Version, policy: bool, why: str) -> str:
    if version.tags.get("gate") != "passed":
        return f"forced past the gate: {why}"
    return f"forced past the canary: {why}" if policy and version.tags.get("canary") != "better" else why


def _is_canary(registry: Registry, version: Version) -> bool:
    trial = registry.alias(version.name, CANARY)
    return trial is not None and trial.number == version.number


def _check_first(version: Version) -> None:
    """Where nothing is live there is nothing to judge by; what does as the shop did may begin."""
    if version.tags.get(SAW_NOTHING) != "true":
        raise Refused(
            "nothing_live",
            f"{version.name} has no champion, so nothing says whether {version.number} is better than what is done; "
            f"`python -m pipelines train policy {version.name} --fresh` starts from the shop's rule, or use --force",
        )


def _check_trial(version: Version, live: Version) -> None:
    verdict, words = version.tags.get("canary", "open"), version.tags.get("canary.words", "nothing was compared yet")
    if verdict != "better" or version.tags.get("canary.champion") != line_of(live):
        raise Refused(
            "on_trial",
            f"{version.name} {version.number} is the canary, and its comparison is {verdict}: {words}; "
            "`python -m pipelines learn` looks again, or use --force",
        )


def _check(version: Version, live: Version | None) -> None:
    verdict, words = version.tags.get("gate", "unknown"), version.tags.get("gate.words", "")
    if verdict != "passed":
        raise Refused("not_passed", f"{version.name} {version.number} did not pass the gate ({verdict}): {words}")
    if "rolled_back_at" in version.tags:
        raise Refused(
            "rolled_back",
            f"{version.name} {version.number} was rolled back: {version.tags.get('rolled_back_why', '')}; "
            f"run `{_training(version)}` again, or use --force",
        )
    judged_against = version.tags.get("gate.champion", "")
    now_live = line_of(live) if live else ""
    if judged_against != now_live:
        raise Refused(
            "judged_against_another",
            f"{version.name} {version.number} was judged against {judged_against or 'no champion'}, but "
            f"{now_live or 'none'} is live now; run `{_training(version)}` again",
        )


def _training(version: Version) -> str:
    policy = version.tags.get(FAMILY) == "policy"
    return f"python -m pipelines {'evaluate policy' if policy else 'train'} {version.name}"
