"""Use case: make another version live, or go back; by the same rule as the verbs, and written down with who and why."""

from dataclasses import dataclass

from features.acts import Act
from features.alone import Taken
from models.promotion import Promotion, promote
from models.promotion import Refused as NotCarried
from models.published import CHAMPION
from serving.problems import InvalidField, Refused
from serving.resources import Resources


@dataclass(frozen=True)
class Change:
    """What somebody wants: version `number` of `name` live, the challenger when None; or back to the one before.

    Going back, `number` is the version that is expected to be the one before: who asks twice, or of a page that is old,
    must not go back two steps.
    """

    name: str
    why: str
    number: str | None = None


class _Overtaken(ValueError):
    """Somebody else was quicker: what is live is not what was looked at."""


@dataclass(frozen=True)
class Who:
    """Who wants it: the prefix of a key or the name that a proxy told, and in which role."""

    actor: str
    role: str


def promote_version(resources: Resources, change: Change, who: Who) -> Promotion:
    """Make it the champion, a policy the canary first. Blocks on the registry.

    Raises Refused, `promotion_refused`, where the evidence does not carry it or there is no such version; its `errors`
    have the reason as a code. It is in the record of acts too.
    """
    try:
        _check(resources, change)
        moved = promote(
            resources.versions.registry, change.name, change.number, who.actor, change.why, resources.clock()
        )
    except (LookupError, NotCarried, Taken, ValueError) as error:
        raise _refusal(resources, change, who, error) from None
    finally:
        resources.versions.changed()
    live = moved.canary or moved.live
    act: Act = "admitted" if moved.canary else "promoted"
    resources.acts.write(resources.clock(), who.actor, who.role, act, f"{live.name} {live.number}", change.why)
    return moved


def roll_back(resources: Resources, change: Change, who: Who) -> str:
    """Give the alias back to the version that the champion replaced; returns its number. Blocks on the registry.

    Raises Refused, `promotion_refused`, where there is none, or another than `change` expects.
    """
    try:
        _check(resources, change)
        with resources.versions.registry.moving(change.name):
            _check_expected(resources, change)
            live = resources.versions.registry.rollback(change.name, who.actor, change.why, resources.clock())
    except (LookupError, Taken, ValueError) as error:
        raise _refusal(resources, change, who, error) from None
    finally:
        resources.versions.changed()
    told = f"{change.name} {live.number}"
    resources.acts.write(resources.clock(), who.actor, who.role, "rolled_back", told, change.why)
    return live.number


def _check(resources: Resources, change: Change) -> None:
    """MLflow answers some names with errors of its own, so only those that there are get that far."""
    names = resources.versions.registry.names()
    if change.name not in names:
        raise LookupError(f"no model has this name; there is {', '.join(names) or 'none yet'}")
    if not change.why.strip():
        raise ValueError("say why, for whoever reads the record later")


def _check_expected(resources: Resources, change: Change) -> None:
    live = resources.versions.registry.alias(change.name, CHAMPION)
    if change.number and live is not None and live.tags.get("replaces") != change.number:
        raise _Overtaken(
            f"version {live.number} is live by now, and {change.number} is not what it replaced; look again"
        )


def _refusal(resources: Resources, change: Change, who: Who, error: Exception) -> Refused:
    told = " ".join(filter(None, (change.name.replace("\0", ""), change.number)))
    resources.acts.write(resources.clock(), who.actor, who.role, "refused", told[:200], str(error)[:500])
    return Refused("promotion_refused", str(error), [InvalidField(pointer="", code=_reason(error), detail=str(error))])


def _reason(error: Exception) -> str:
    """Why, as a code: of a rule of promotion its own."""
    match error:
        case NotCarried():
            return error.reason
        case _Overtaken() | Taken():
            return "overtaken"
        case LookupError():
            return "no_such_version"
        case _:
            return "no_reason"
