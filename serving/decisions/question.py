"""A request, held against the action bank: what is asked about whom, with every name known and every time set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.decisions.bank import Bank, DecisionPoint
from serving.decisions.schemas import Allowed, DecisionContext, DecisionRequest
from serving.problems import InvalidField, Refused
from serving.schemas import Subject


@dataclass(frozen=True)
class Question:
    """One question, asked at `at`. Messages may go from `earliest` to `latest`, which may lie behind us.

    `channels`, `arguments` and `incentives` are None where the request said nothing, and known to the bank else.
    """

    point: DecisionPoint
    subject: Subject
    at: datetime
    trigger_id: str
    trigger_type: str
    trigger_at: datetime
    earliest: datetime
    latest: datetime
    max_messages: int
    step: int
    context: DecisionContext
    channels: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    incentives: tuple[str, ...] | None = None


def question_of(request: DecisionRequest, bank: Bank, at: datetime, tolerance: timedelta) -> Question:
    """What `request` asks at the moment `at`. Raises `Refused` that names what is wrong and what there is."""
    point = _point(request.decision_point, bank)
    trigger = request.trigger
    wrong = [*_unknown(request.eligible, bank)]
    if trigger.type is not None and point.triggers and trigger.type not in point.triggers:
        wrong.append(_unknown_name("/trigger/type", "trigger", trigger.type, point.triggers))
    if trigger.at is not None and trigger.at > at + tolerance:
        told = f"the trigger lies in the future; it is {at.isoformat(timespec='seconds')} now"
        wrong.append(InvalidField(pointer="/trigger/at", code="in_future", detail=told))
    if wrong:
        raise Refused("validation_error", wrong[0].detail, wrong)
    since = at if trigger.at is None else trigger.at
    eligible = request.eligible
    end = since + timedelta(hours=point.ttl_hours)
    return Question(
        point=point,
        subject=request.subject,
        at=at,
        trigger_id=trigger.id,
        trigger_type=trigger.type or next(iter(point.triggers), point.name),
        trigger_at=since,
        earliest=max(at, since, eligible.earliest or at),
        latest=min(end, eligible.latest or end),
        max_messages=point.max_messages if eligible.max_messages is None else eligible.max_messages,
        step=request.step,
        context=request.context,
        channels=eligible.channels,
        arguments=eligible.arguments,
        incentives=eligible.incentives,
    )


def _point(name: str, bank: Bank) -> DecisionPoint:
    if name not in bank.points:
        wrong = _unknown_name("/decision_point", "decision point", name, bank.points)
        raise Refused("validation_error", wrong.detail, [wrong])
    return bank.points[name]


def _unknown(eligible: Allowed, bank: Bank) -> list[InvalidField]:
    asked: Sequence[tuple[str, str, tuple[str, ...] | None, Collection[str]]] = (
        ("channels", "channel", eligible.channels, bank.channels),
        ("arguments", "argument", eligible.arguments, bank.arguments),
        ("incentives", "incentive", eligible.incentives, bank.incentives),
    )
    return [
        _unknown_name(f"/eligible/{field}/{place}", what, name, known)
        for field, what, names, known in asked
        for place, name in enumerate(names or ())
        if name not in known
    ]


def _unknown_name(pointer: str, what: str, name: str, known: Collection[str]) -> InvalidField:
    told = f"there is no {what} {name[:64]!r}; there are {', '.join(known) or 'none'}"
    return InvalidField(pointer=pointer, code="unknown_name", detail=told)
