"""Who goes live: `promote` moves the alias `champion` to a version that passed the gate, `rollback` moves it back."""

from dataclasses import dataclass
from datetime import datetime

from models.registry import CHALLENGER, CHAMPION, Registry, Version


class Refused(RuntimeError):
    """A promotion that the evidence does not carry; the message says what is missing and what to run."""


@dataclass(frozen=True)
class Promotion:
    """What moved: the version that is live now and the one that was."""

    live: Version
    replaced: Version | None


def promote(
    registry: Registry, name: str, number: str | None, who: str, why: str, at: datetime, force: bool = False
) -> Promotion:
    """Make version `number` (the challenger, when None) of model `name` the champion.

    The gate's verdict was written when the version was trained, against the champion of that moment; when another one
    is live by now, the verdict says nothing about it. `force` promotes all the same, and the version says so for ever.

    Raises LookupError when there is no such version, Refused when the verdict does not carry it.
    """
    if not why.strip():
        raise ValueError("a promotion needs a reason: --why")
    version = registry.version(name, number) if number else registry.alias(name, CHALLENGER)
    if version is None:
        raise LookupError(f"{name} has no challenger; `python -m pipelines train --help` lists what can be trained")
    live = registry.alias(name, CHAMPION)
    if not force:
        _check(version, live)
    elif version.tags.get("gate") != "passed":
        why = f"forced past the gate: {why}"
    return Promotion(registry.promote(version, who, why, at), live)


def _check(version: Version, live: Version | None) -> None:
    verdict, words = version.tags.get("gate", "unknown"), version.tags.get("gate.words", "")
    if verdict != "passed":
        raise Refused(f"{version.name} {version.number} did not pass the gate ({verdict}): {words}")
    if "rolled_back_at" in version.tags:
        raise Refused(
            f"{version.name} {version.number} was rolled back: {version.tags.get('rolled_back_why', '')}; "
            f"run `python -m pipelines train {version.name}` again, or use --force"
        )
    judged_against = version.tags.get("gate.champion", "")
    now_live = live.number if live else ""
    if judged_against != now_live:
        raise Refused(
            f"{version.name} {version.number} was judged against {judged_against or 'no champion'}, but "
            f"{now_live or 'none'} is live now; run `python -m pipelines train {version.name}` again"
        )
