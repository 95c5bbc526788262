"""What is answered of a decision: a function of its record alone, so that the same question gets the same bytes."""

from collections.abc import Collection
from typing import cast

from features.contact import LEAVING
from features.decisions import Decided, Option, Refusal
from serving.decisions.decide import OFF
from serving.decisions.gathering import STOPS
from serving.decisions.schemas import (
    Action,
    Alternative,
    ArmName,
    Blocked,
    DecisionAnswer,
    Part,
    PlannedMessage,
    PolicyReference,
)

MOST_ALTERNATIVES = 10
_EVERYDAY = ("no_consent", "channel_not_eligible")
SILENCE = "silence"
"""Why nothing is sent where all was allowed: the policy thinks it better, or tries what silence does."""


def answer_of(decision_id: str, decided: Decided, include: Collection[Part], sticky: bool) -> DecisionAnswer:
    """The answer that a decision is."""
    return DecisionAnswer(
        decision_id=decision_id,
        decision_point=decided.decision_point,
        sticky=sticky,
        arm=cast(ArmName, decided.arm),
        mode=decided.mode,
        action=_action(decided),
        plan=_plan(decided) if "plan" in include else None,
        propensity=decided.propensity,
        explored=decided.explored,
        policy=PolicyReference(name=decided.policy, version=decided.policy_version, alias=decided.policy_alias),
        alternatives=_alternatives(decided) if "alternatives" in include else None,
        blocked=[_blocked(refusal) for refusal in decided.refused],
        stop_on=[*STOPS.get(decided.trigger_type, ()), *LEAVING],
        valid_until=decided.valid_until,
        degraded=decided.degraded_reason is not None,
        degraded_reason=decided.degraded_reason,
    )


def silent_because(decided: Decided) -> str | None:
    """Why nothing is sent; None when something is."""
    if decided.options[decided.chosen].channel is not None:
        return None
    if decided.mode == OFF:
        return "switched_off"
    if decided.arm == "holdout":
        return "holdout"
    if len(decided.options) > 1:
        return SILENCE
    whole = [one.reason for one in decided.refused if not (one.channel or one.argument or one.incentive)]
    of_channels = [one.reason for one in decided.refused if one.channel]
    # of several channels the one that came furthest says most: most people never agreed to most channels
    telling = [reason for reason in of_channels if reason not in _EVERYDAY]
    everyday = [reason for reason in _EVERYDAY if reason in of_channels]
    return next(iter((*whole, *telling, *everyday)), "no_channel")


def _action(decided: Decided) -> Action:
    option = decided.options[decided.chosen]
    if option.channel is None or option.send_at is None:
        return Action(
            send=False, reason=silent_because(decided), message_number=decided.step, messages_planned=decided.step - 1
        )
    return Action(
        send=True,
        channel=option.channel,
        send_at=option.send_at,
        delay_seconds=round((option.send_at - decided.trigger_at).total_seconds()),
        message_number=decided.step,
        messages_planned=decided.step + len(decided.planned),
        argument=option.argument or None,
        incentive=option.incentive or None,
    )


def _plan(decided: Decided) -> list[PlannedMessage]:
    """The decided message, then what would follow it: those as not before a time, since they are decided anew."""
    chosen = decided.options[decided.chosen]
    if chosen.channel is None:
        return []
    first = PlannedMessage(
        n=decided.step, channel=chosen.channel, send_at=chosen.send_at, argument=chosen.argument or None
    )
    later = [decided.options[place] for place in decided.planned]
    return [
        first,
        *(
            PlannedMessage(
                n=decided.step + number,
                channel=option.channel or "",
                not_before=option.send_at,
                condition="not_clicked",
                argument=option.argument or None,
            )
            for number, option in enumerate(later, 1)
        ),
    ]


def _alternatives(decided: Decided) -> list[Alternative]:
    """The likeliest options that were not chosen."""
    others = [option for place, option in enumerate(decided.options) if place != decided.chosen]
    best = sorted(others, key=lambda option: -option.probability)[:MOST_ALTERNATIVES]
    return [_alternative(option) for option in best]


def _alternative(option: Option) -> Alternative:
    return Alternative(
        channel=option.channel,
        delay_bucket=option.delay or None,
        send_at=option.send_at,
        argument=option.argument or None,
        incentive=option.incentive or None,
        messages=int(option.channel is not None),
        probability=option.probability,
    )


def _blocked(refusal: Refusal) -> Blocked:
    return Blocked(
        reason=refusal.reason, channel=refusal.channel, argument=refusal.argument, incentive=refusal.incentive
    )
