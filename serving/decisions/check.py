"""Use case: may this message still go out? Asked right before it is sent, when much may have happened since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import msgspec
from fastapi import APIRouter, Request

from features.contact import ANY, LEAVING, Contact
from features.decisions import Decided, Option
from features.log import Record, moment
from serving.as_of import moment_of
from serving.bundle import Shelf
from serving.decisions.answers import silent_because
from serving.decisions.arms import arm_of
from serving.decisions.bank import Bank
from serving.decisions.budgets import Spending
from serving.decisions.gathering import ended_since, facts_of
from serving.decisions.past import Past
from serving.decisions.question import Question
from serving.decisions.rules import screen
from serving.decisions.schemas import CheckAnswer, CheckRequest, DecisionContext
from serving.decisions.silenced import SUPPRESSED
from serving.decisions.situation import Situation, Somebody, known_of, somebodies
from serving.decisions.told import find_decision
from serving.lane import Hot
from serving.openapi import problems
from serving.resources import Resources
from serving.schemas import CartLine, Subject

router = APIRouter(tags=["decisions"])
_CAPS = ("capped_1d", "capped_7d", "capped_30d", "min_gap")


@router.post(
    "/v1/decisions/check",
    responses=problems(
        "malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited", "unknown_decision"
    ),
)
async def decision_check(request: Request, body: CheckRequest) -> CheckAnswer:
    """Whether the message of a decision may still be sent at this moment; if not, why, and since when."""
    return await checked(request.app.state.resources, body)


async def checked(resources: Resources, body: CheckRequest) -> CheckAnswer:
    """The answer to one question."""
    at = resources.clock() if body.as_of is None else moment_of(resources, body.as_of)
    point, answer = await resources.in_thread(_checked, resources, body.decision_id, at)
    resources.metrics.checks.add(point, answer.reason or "")
    return answer


async def _json(resources: Resources, body: CheckRequest) -> bytes:
    return (await checked(resources, body)).model_dump_json().encode()


HOT = {("POST", "/v1/decisions/check"): Hot(CheckRequest.model_validate_json, _json)}


def _checked(resources: Resources, decision_id: str, at: datetime) -> tuple[str, CheckAnswer]:
    record, _ = find_decision(resources, decision_id)
    decided = msgspec.json.decode(record.payload, type=Decided)
    if reason := silent_because(decided):
        return decided.decision_point, _no(reason, moment(record.occurred_at))
    bank = resources.bank.now
    if decided.decision_point not in bank.points or bank.points[decided.decision_point].mode == "off":
        return decided.decision_point, _no("switched_off")
    subject = Subject.model_construct(user_id=record.user_id, anonymous_id=record.anonymous_id)
    (somebody,) = somebodies(resources.identities, resources.decisions.log, [subject], [at])
    if arm_of(somebody.customer_id, bank.groups, somebody.past) == "holdout":  # since a visitor turned out to be one
        return decided.decision_point, _no("holdout")
    resources.privacy.catch_up()
    if resources.privacy.suppressed(somebody.person):
        return decided.decision_point, _no(SUPPRESSED)
    question = _question(decided, subject, bank, at)
    (situation,) = known_of([(question, somebody)], resources.histories, bank.zone)
    return decided.decision_point, verdict(record, decided, question, situation, bank, resources.champion.shelf)


def verdict(
    record: Record, decided: Decided, question: Question, situation: Situation, bank: Bank, shelf: Shelf
) -> CheckAnswer:
    """What holds of a decision to send at the moment of `question`, which repeats what it was about."""
    at, option, contact = question.at, decided.options[decided.chosen], situation.contact
    sent = [touch.at for touch in contact.touches if touch.kind == "sent" and touch.decision_id == record.key]
    if sent:
        return _no("already_sent", min(sent))
    if newer := _newer(record, decided, situation.somebody.past):
        return _no("superseded", newer[0].decided_at)
    if ended := ended_since(question.trigger_type, question.trigger_at, situation, at):
        return _no(*ended)
    if at >= decided.valid_until:
        return _no("expired", decided.valid_until)
    earlier = _before(record, situation.somebody)
    facts = facts_of(question, replace(situation, somebody=earlier), record.key, bank, shelf, Spending())
    refusals = screen([msgspec.structs.replace(option, send_at=at)], facts).refusals
    if not refusals:
        return CheckAnswer(send=True)
    return _no(*_dated(refusals[0].reason, option, contact))


def _newer(record: Record, decided: Decided, past: Sequence[Past]) -> list[Past]:
    """Later decisions of the same episode about this message or one behind it."""
    return [
        one
        for one in past
        if one.record.position > record.position
        and one.head.decision_point == decided.decision_point
        and one.head.trigger_id == decided.trigger_id
        and one.head.step >= decided.step
        and one.head.mode != "off"
    ]


def _before(record: Record, somebody: Somebody) -> Somebody:
    """What was decided before: of two messages that exclude each other, the one decided first goes out."""
    return replace(somebody, past=[one for one in somebody.past if one.record.position < record.position])


def _question(decided: Decided, subject: Subject, bank: Bank, at: datetime) -> Question:
    """What the decision was about, asked now."""
    value = decided.context.get("cart_value")
    context = DecisionContext.model_construct(
        cart_value=None if value is None else Decimal(str(value)),
        currency=decided.terms.currency,
        items=tuple(CartLine.model_construct(item_id=id_, quantity=1.0) for id_ in decided.item_ids),
        timezone=decided.timezone,
    )
    point = bank.points[decided.decision_point]
    return Question(
        point=point,
        subject=subject,
        at=at,
        trigger_id=decided.trigger_id,
        trigger_type=decided.trigger_type,
        trigger_at=decided.trigger_at,
        earliest=at,
        latest=decided.valid_until,
        max_messages=point.max_messages,
        step=decided.step,
        context=context,
    )


def _dated(reason: str, option: Option, contact: Contact) -> tuple[str, datetime | None]:
    """A refusal by its plainest name, and since when it holds, where that is one moment."""
    channel = option.channel or ANY
    if reason in ("unsubscribed", "no_consent"):
        left = [touch for touch in contact.touches if touch.kind in LEAVING and touch.channel in (channel, ANY)]
        if left and reason == "unsubscribed":
            return left[-1].kind, left[-1].at
        said = [word.at for (where, _), word in contact.consents.items() if where in (channel, ANY)]
        return "consent_withdrawn" if said else reason, max(said, default=None)
    if reason in _CAPS:
        return reason, contact.last("sent")
    return reason, None


def _no(reason: str, since: datetime | None = None) -> CheckAnswer:
    return CheckAnswer(send=False, reason=reason, since=since)
