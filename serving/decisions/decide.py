"""Deciding: who it is, what stands already, what is known, what the rules leave, who decides, what is drawn.

Nothing is written here: what is made waits to be committed by the caller, and is answered only then.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from features.decisions import DECISION, Decided, Option, Refusal, Terms
from features.log import Record, Successor, microseconds
from models.policies.base import variates
from serving.decisions.arms import arm_of, unit_of
from serving.decisions.bank import Bank, DecisionPoint, delay_minutes
from serving.decisions.budgets import Budgets, Spending
from serving.decisions.context import context_of, currency, item_ids
from serving.decisions.deciders import decider_of
from serving.decisions.drawing import Draft, Drawn, draw
from serving.decisions.gathering import facts_of
from serving.decisions.past import Past
from serving.decisions.plan import planned
from serving.decisions.question import Question
from serving.decisions.schemas import ArmName
from serving.decisions.send_time import scores_of
from serving.decisions.silenced import silenced
from serving.decisions.situation import Situation, Somebody, situations_of, somebodies
from serving.decisions.slots import propose

if TYPE_CHECKING:
    from serving.resources import Resources

OFF = "off"
_SHORTLY = timedelta(hours=1)
"""How long it stays answered that it is too late, or that nothing is sent as the point is off."""


_BESIDE = timedelta(minutes=1)
"""More than a question waits at a desk, and than clocks of two machines should differ."""


class Made(NamedTuple):
    """A decision and its record. `standing` is one that needs no commit: it was made before, or is not to be kept."""

    record: Record
    decided: Decided
    standing: bool


@dataclass(frozen=True)
class _Pending:
    """One question on its way, with everything that is kept of it. `held` is what of budgets is held for it."""

    question: Question
    situation: Situation
    draft: Draft
    refusals: tuple[Refusal, ...]
    zone: str | None
    held: Mapping[str, float]


class Beside(Protocol):
    """What was decided and is not in the log yet, as far as the question at a place of those asked may know of it."""

    def of(self, place: int, customer_id: str) -> Sequence[Past]:
        """What is not in the log of a customer, oldest first."""
        ...

    def add(self, place: int, customer_id: str, one: Past) -> None:
        """One more was decided."""
        ...


def decide(resources: "Resources", questions: Sequence[Question], beside: Beside) -> list[Made]:
    """A decision for each question, in their order; those of policies are made together. No two calls may run at once.

    A question that stands answered gets that answer: the same decision point, person, trigger and step, until its
    `valid_until`. Of several questions about one person each knows what the ones before it were answered, as it would
    if they had been asked one after the other.

    What was chosen of incentives stays reserved until it is committed or released.
    """
    bank, stored = resources.bank.now, resources.visitors.features_exist()
    log = resources.decisions.log
    seen = log.last_position()  # before anything is read: what comes later must be noticed when it is written
    resources.privacy.catch_up()
    subjects, now = [question.subject for question in questions], resources.clock()
    known = somebodies(resources.identities, log, subjects, [_knows_until(question.at, now) for question in questions])
    made = {
        place: Made(*silenced(questions[place]), standing=True)
        for place, somebody in enumerate(known)
        if resources.privacy.suppressed(somebody.person)
    }
    for round_ in _rounds([somebody.customer_id for somebody in known]):
        places = [place for place in round_ if place not in made]
        here = [(questions[place], _and(known[place], beside.of(place, known[place].customer_id))) for place in places]
        for place, one in zip(places, _decided(resources, bank, here, stored, seen), strict=True):
            made[place] = one
            if not one.standing:
                beside.add(place, known[place].customer_id, Past.of(one.record))
    return [made[place] for place in range(len(questions))]


def release(budgets: Budgets, made: Sequence[Made]) -> None:
    """Give back what was reserved for decisions that will not be committed."""
    for one in made:
        if not one.standing:
            budgets.release(one.record.key)


def decision_id_of(question: Question, customer_id: str, round_: int) -> str:
    """The same for whoever asks the same at the same time, so that of two workers only one can write.

    `round_` counts the decisions of before whose validity is over.
    """
    key = question.point.name, customer_id, question.trigger_id, question.step, round_
    return f"dec_{hashlib.blake2b(msgspec.json.encode(key), digest_size=15, person=b'kairos-decision').hexdigest()}"


def standing(question: Question, past: Sequence[Past]) -> tuple[Past | None, int]:
    """The decision that answers a question already, and how many were made of the same key before."""
    same = [
        one
        for one in past
        if one.head.decision_point == question.point.name
        and one.head.trigger_id == question.trigger_id
        and one.head.step == question.step
    ]
    off = question.point.mode == OFF
    valid = [one for one in same if one.head.valid_until > question.at and (one.head.mode == OFF) == off]
    return (valid[0] if valid else None), len(same)


def terms_of(point: DecisionPoint, bank: Bank, option: Option, money: str | None) -> Terms:
    """How the reward of a message is counted; of silence, nobody can be lost to a channel."""
    channel = bank.channels[option.channel] if option.channel is not None else None
    return Terms(
        margin=point.margin,
        window_hours=point.window_hours,
        unsubscribe_cost=channel.unsubscribe_cost if channel else 0.0,
        complaint_cost=channel.complaint_cost if channel else 0.0,
        currency=money or bank.currency,
    )


def _knows_until(at: datetime, now: datetime) -> datetime:
    """Up to when a question of `at` knows of decisions: who was asked later, elsewhere, may have been decided first.

    A question of the past, in a replay, knows nothing of what came after it.
    """
    return at + _BESIDE if now - at < _BESIDE else at


def _rounds(customers: Sequence[str]) -> list[list[int]]:
    """The places of all, nobody twice in a round: the first ones of everybody, then the second."""
    seen: Counter[str] = Counter()
    rounds: defaultdict[int, list[int]] = defaultdict(list)
    for place, customer in enumerate(customers):
        rounds[seen[customer]].append(place)
        seen[customer] += 1
    return list(rounds.values())


def _and(somebody: Somebody, made: Sequence[Past]) -> Somebody:
    """With what was made beside, unless it is in the log by now."""
    if not made:
        return somebody
    logged = {one.decision_id for one in somebody.past}
    return replace(somebody, past=[*somebody.past, *(one for one in made if one.decision_id not in logged)])


def _decided(
    resources: "Resources", bank: Bank, asked: Sequence[tuple[Question, Somebody]], stored: bool, seen: int
) -> list[Made]:
    """Decisions about different persons."""
    budgets = resources.bank.budgets
    found: list[Made | None] = []
    rounds: list[int] = []
    for question, somebody in asked:
        stands, round_ = standing(question, somebody.past)
        found.append(None if stands is None else Made(stands.record, stands.decided(), True))
        rounds.append(round_)
    left = [place for place, one in enumerate(found) if one is None]
    situations = situations_of(
        [asked[place] for place in left], resources.histories, resources.visitors, bank.zone, stored
    )
    pending: list[_Pending] = []
    try:
        for place, situation in zip(left, situations, strict=True):
            question = asked[place][0]
            decision_id = decision_id_of(question, situation.somebody.customer_id, rounds[place])
            pending.append(_pending(resources, bank, question, situation, decision_id))
        drafts = [one.draft for one in pending]
        drawn = draw(drafts) if drafts else []
        plans = planned(drafts, drawn, bank.channels) if drafts else []
        for one, result in zip(pending, drawn, strict=True):
            chosen = one.draft.options[result.chosen]
            if chosen.incentive:
                budgets.reserve(one.draft.decision_id, chosen, one.question.at)
    finally:
        for one in pending:
            if one.held:
                budgets.give_back(one.held, one.question.at)
    received_at = resources.clock()
    made = iter(
        [
            _made(one, result, plan, bank, received_at, seen)
            for one, result, plan in zip(pending, drawn, plans, strict=True)
        ]
    )
    return [one or next(made) for one in found]


def _pending(
    resources: "Resources", bank: Bank, question: Question, situation: Situation, decision_id: str
) -> _Pending:
    point, shelf, budgets = question.point, resources.champion.shelf, resources.bank.budgets
    somebody = situation.somebody
    hours, zone = resources.policies.hours, situation.place.zone
    scores = scores_of(hours, resources.events.log, somebody.person, zone, question.at) if hours else None
    turn = float(variates([f"{decision_id}:slots"])[0])
    while True:
        spending = budgets.today(question.at) if point.incentives else Spending()
        screened = propose(facts_of(question, situation, decision_id, bank, shelf, spending), scores, turn)
        held = {option.incentive: option.discount for option in screened.options if option.incentive}
        if not held or budgets.hold(held, question.at, spending):
            break
    arm = arm_of(somebody.customer_id, bank.groups, somebody.past)
    unit = unit_of(somebody.customer_id, somebody.past)
    degraded = resources.bank.lacking(bank) or situation.degraded
    decider = decider_of(point, bank.groups, arm, unit, resources.policies, degraded)
    draft = Draft(
        decision_id=decision_id,
        point=point,
        arm=arm,
        decider=decider,
        context=context_of(question, situation, bank.channels),
        options=screened.options,
        most_messages=max(min(point.max_messages, question.max_messages) - question.step + 1, 0),
    )
    return _Pending(question, situation, draft, screened.refusals, zone.key if situation.place.known else None, held)


def _made(one: _Pending, drawn: Drawn, plan: tuple[int, ...], bank: Bank, received_at: datetime, seen: int) -> Made:
    question, draft, decider = one.question, one.draft, drawn.decider
    probabilities = drawn.probabilities.tolist()
    propensity = probabilities[drawn.chosen]
    options = tuple(
        msgspec.structs.replace(option, probability=probability)
        for option, probability in zip(draft.options, probabilities, strict=True)
    )
    chosen = options[drawn.chosen]
    decided = Decided(
        decision_point=question.point.name,
        customer_id=one.situation.somebody.customer_id,
        trigger_id=question.trigger_id,
        trigger_type=question.trigger_type,
        trigger_at=question.trigger_at,
        step=question.step,
        arm=draft.arm,
        mode=question.point.mode,
        policy=decider.name,
        policy_version=decider.version,
        policy_alias=decider.alias,
        context=dict(draft.context),
        options=options,
        chosen=drawn.chosen,
        propensity=propensity,
        terms=terms_of(question.point, bank, chosen, currency(question, one.situation)),
        valid_until=_valid_until(question, chosen, draft.arm),
        refused=one.refusals,
        item_ids=item_ids(question, one.situation),
        explored=propensity < max(probabilities),
        learnable=decider.learnable and question.point.mode != OFF,
        would_choose=drawn.would_choose,
        planned=plan,
        degraded_reason=decider.degraded_reason,
        timezone=one.zone,
    )
    return Made(
        _record(draft.decision_id, decided, one.situation.somebody, question, received_at, seen), decided, False
    )


def _record(
    decision_id: str, decided: Decided, somebody: Somebody, question: Question, received_at: datetime, seen: int
) -> Record:
    """The row of a decision: found by the customer, or as long as nobody was identified, by the visitor."""
    person = somebody.person
    return Successor(
        key=decision_id,
        type=DECISION,
        occurred_at=microseconds(question.at),
        received_at=microseconds(received_at),
        user_id=person.customer_id if person.user_ids else None,
        anonymous_id=None if person.user_ids else question.subject.anonymous_id,
        payload=msgspec.json.encode(decided).decode(),
        seen=seen,
        known=frozenset(one.decision_id for one in somebody.past),
        ids=(person.user_ids, person.anonymous_ids),
    )


def _valid_until(question: Question, chosen: Option, arm: ArmName) -> datetime:
    """Until the window closes. That it is closed, or the point off, is soon to be asked again.

    Silence may be reconsidered earlier where the point says so; a holdout's never is, as nothing else can come of it.
    """
    point = question.point
    soon = question.at + _SHORTLY
    if point.mode == OFF or question.latest <= question.earliest:
        return soon
    if chosen.channel is None and point.reconsider is not None and arm != "holdout":
        return min(question.latest, question.at + timedelta(minutes=delay_minutes(point.reconsider)))
    return question.latest
