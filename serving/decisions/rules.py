"""The rules that come before every policy: what may be sent at all, and for each thing that may not, the reason.

They are asked twice: what there is to choose from when slots are made (`parts`, `refused`), and about any options
whatever, also when a message is about to go out (`screen`). Rules speak before scores, so no score can outvote one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.contact import ANY, LEAVING
from features.decisions import Option, Refusal
from serving.decisions.bank import Channel, Incentive
from serving.decisions.facts import Facts
from serving.decisions.quiet_hours import is_open, open_minutes

REASONS = {
    "switched_off": "the decision point is off",
    "order_completed": "what the episode is about was bought",
    "cart_emptied": "nothing is left in the cart",
    "expired": "it is too late to write about this",
    "window_too_short": "the request allows no time at which a delay has begun",
    "max_messages": "the episode has had all its messages",
    "out_of_stock": "nothing of it can be bought",
    "no_channel": "no channel is common to the decision point and the request",
    "channel_not_eligible": "the request or the decision point does not name the channel",
    "no_consent": "consent was withdrawn, or is needed and was not given",
    "unsubscribed": "the customer unsubscribed or complained",
    "unreachable": "messages bounce",
    "low_margin": "it would cost what the order earns, or the order's value is not known",
    "argument_not_eligible": "the request or the decision point does not name the argument",
    "argument_not_true": "the argument says something that is not so",
    "incentive_not_eligible": "the request or the decision point does not name the incentive",
    "budget_spent": "the incentive's budget of the day does not suffice",
    "incentive_share": "as many of the day's messages as may carry the incentive already do",
    "incentive_cooldown": "the customer was offered an incentive not long ago",
    "quiet_hours": "it is quiet on the customer's clock",
    "legal_hours": "the law of the channel forbids the hour",
    "capped_1d": "enough messages within a day",
    "capped_7d": "enough messages within a week",
    "capped_30d": "enough messages within a month",
    "min_gap": "too close to another message",
}
"""Every reason for which a rule refuses something, and what it means; `order_completed` and `cart_emptied` come with
the facts."""

Reason = str
SILENCE = Option(0.0)


@dataclass(frozen=True)
class Parts:
    """What messages may be made of, and what was taken away; no channel where nothing may be sent at all.

    An empty argument stands where the decision point has none or the request wants none, None for no incentive.
    """

    channels: tuple[Channel, ...]
    arguments: tuple[str, ...]
    incentives: tuple[Incentive | None, ...]
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Screened:
    """What may be chosen, silence first, and what was taken away."""

    options: tuple[Option, ...]
    refusals: tuple[Refusal, ...]


def parts(facts: Facts) -> Parts:
    """What a message may be made of, whenever it is sent."""
    if reason := _whole(facts):
        return Parts((), (), (), (Refusal(reason=reason),))
    refusals = []
    channels = []
    for name in dict.fromkeys((*facts.point.channels, *(facts.channels or ()))):
        channel = facts.bank.channels[name]
        if reason := _channel(facts, channel):
            refusals.append(Refusal(reason=reason, channel=name))
        else:
            channels.append(channel)
    arguments = []
    for name in facts.point.arguments if facts.arguments is None else facts.arguments:
        if reason := _argument(facts, name):
            refusals.append(Refusal(reason=reason, argument=name))
        else:
            arguments.append(name)
    incentives: list[Incentive | None] = [None]
    for name in facts.point.incentives if facts.incentives is None else facts.incentives:
        if reason := _incentive(facts, name):
            refusals.append(Refusal(reason=reason, incentive=name))
        else:
            incentives.append(facts.bank.incentives[name])
    speechless = not facts.point.arguments or facts.arguments == ()
    return Parts(
        tuple(channels),
        ("",) if speechless else tuple(dict.fromkeys(arguments)),
        tuple(dict.fromkeys(incentives)),
        tuple(refusals),
    )


def refused(facts: Facts, channel: Channel, at: float) -> Reason | None:
    """Why nothing may go out at `at`, in seconds since 1970, given what goes out around it; None where it may."""
    return next((bar.reason for bar in facts.bars[channel.name] if bar.holds(at)), None)


def screen(options: Sequence[Option], facts: Facts) -> Screened:
    """Those of `options` that may be sent, behind silence, and the refusals of what is gone altogether.

    A channel, an argument or an incentive is refused when no option with it is left, with every reason that took one.
    """
    if reason := _whole(facts):
        return Screened((SILENCE,), (Refusal(reason=reason),))
    kept: list[Option] = []
    taken: list[tuple[Option, Reason, str]] = []
    for option in options:
        if option.channel is None:
            continue
        verdict = _option(facts, option)
        if verdict is None:
            kept.append(option)
        else:
            taken.append((option, *verdict))
    return Screened((SILENCE, *kept), tuple(_gone(kept, taken)))


def _gone(kept: Sequence[Option], taken: Sequence[tuple[Option, Reason, str]]) -> list[Refusal]:
    left = {part: {getattr(option, part) for option in kept} for part in ("channel", "argument", "incentive")}
    found = {}
    for option, reason, part in taken:
        if (name := getattr(option, part)) not in left[part]:
            found[reason, part, name] = Refusal(reason=reason, **{part: name})
    return list(found.values())


def _option(facts: Facts, option: Option) -> tuple[Reason, str] | None:
    """Why an option may not be sent, and which part of it is to blame."""
    channel = facts.bank.channels.get(option.channel or "")
    if channel is None:
        return "channel_not_eligible", "channel"
    verdicts = (
        (_channel(facts, channel), "channel"),
        (_argument(facts, option.argument) if option.argument else None, "argument"),
        (_incentive(facts, option.incentive) if option.incentive else None, "incentive"),
        (_moment(facts, channel, option.send_at) if option.send_at else None, "channel"),
    )
    return next(((reason, part) for reason, part in verdicts if reason), None)


def _moment(facts: Facts, channel: Channel, at: datetime) -> Reason | None:
    zone, margin = facts.place.zone, facts.margin_minutes
    if not facts.opens <= at < facts.closes:
        return "expired"
    if not is_open(at, zone, open_minutes(None, channel.legal, margin)):
        return "legal_hours"
    if not is_open(at, zone, open_minutes(channel.quiet, None, margin)):
        return "quiet_hours"
    return refused(facts, channel, at.timestamp())


def _whole(facts: Facts) -> Reason | None:
    """Why nothing may be sent at all."""
    most = facts.point.max_messages
    if facts.most_messages is not None:
        most = min(most, facts.most_messages)
    asked = facts.point.channels if facts.channels is None else facts.channels
    holds = {
        "switched_off": facts.point.mode == "off",
        facts.ended or "": facts.ended is not None,
        "expired": facts.opens >= facts.closes,
        "max_messages": facts.messages >= most,
        "out_of_stock": not facts.in_stock,
        "no_channel": not set(asked) & set(facts.point.channels),
    }
    return next((reason for reason, found in holds.items() if found), None)


def _channel(facts: Facts, channel: Channel) -> Reason | None:
    name = channel.name
    if name not in facts.point.channels or (facts.channels is not None and name not in facts.channels):
        return "channel_not_eligible"
    said = facts.contact.consent(name, channel.purpose)
    if said == "withdrawn":
        told = any(touch.kind in LEAVING and touch.channel in (name, ANY) for touch in facts.contact.touches)
        return "unsubscribed" if told else "no_consent"
    if said is None and channel.consent == "required":
        return "no_consent"
    if name in facts.contact.unreachable:
        return "unreachable"
    if facts.value is not None and channel.cost > facts.point.margin * facts.value:
        return "low_margin"
    return None


def _argument(facts: Facts, name: str) -> Reason | None:
    if name not in facts.point.arguments or (facts.arguments is not None and name not in facts.arguments):
        return "argument_not_eligible"
    return None if facts.true.issuperset(facts.bank.arguments[name].needs) else "argument_not_true"


def _incentive(facts: Facts, name: str) -> Reason | None:
    if name not in facts.point.incentives or (facts.incentives is not None and name not in facts.incentives):
        return "incentive_not_eligible"
    incentive, spent = facts.bank.incentives[name], facts.spending
    discount = incentive.discount(facts.value or 0.0)
    if discount >= facts.point.margin * (facts.value or 0.0):
        return "low_margin"
    if incentive.budget is not None and spent.promised.get(name, 0.0) + discount > incentive.budget:
        return "budget_spent"
    if incentive.max_share < 1 and spent.carried.get(name, 0) >= incentive.max_share * (spent.messages + 1):
        return "incentive_share"
    cool = timedelta(days=incentive.cooldown_days)
    if facts.given and facts.now - max(facts.given.values()) < cool:
        return "incentive_cooldown"
    return None
