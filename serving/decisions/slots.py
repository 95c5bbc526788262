"""The messages that a decision may choose from: the parts that the rules left, at the times that they left open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice, product

from features.decisions import Option, Refusal
from serving.decisions.bank import Channel, DecisionPoint, Incentive
from serving.decisions.facts import Facts
from serving.decisions.hours import Scores, Slot, Times, times
from serving.decisions.quiet_hours import open_minutes, open_spans
from serving.decisions.rules import SILENCE, Parts, Screened, parts, refused

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR, _DAY = 3_600, 86_400
_HOURS = tuple(f"{hour // 3 * 3:02d}-{hour // 3 * 3 + 3:02d}" for hour in range(24))
_GOLDEN = 0.6180339887498949
"""Turns one draw into many that lie apart."""

_Offered = Mapping[str, Mapping[str, Sequence[Slot]]]
_Message = tuple[Channel, str, Slot, str, Incentive | None]


def propose(facts: Facts, scores: Scores | None = None, draw: float | None = None) -> Screened:
    """Everything that may be chosen, silence first, at most `most_slots` messages, and what was taken away.

    `scores` say how good each of the customer's 168 hours of the week is, Monday's first hour first: log ratios to the
    average hour. Of the hours that a delay is offered at, one is taken by `draw`, which is in [0, 1) and belongs to the
    decision, whatever the scores: what is never offered is never learned of.
    """
    possible = parts(facts)
    options, refusals = candidates(facts, possible, scores, draw)
    return Screened((SILENCE, *options), (*possible.refusals, *refusals))


def candidates(
    facts: Facts, possible: Parts, scores: Scores | None = None, draw: float | None = None
) -> tuple[list[Option], list[Refusal]]:
    """The messages that `possible` parts make, and why channels are missing for which no time is left."""
    spans = _spans(facts)
    if possible.channels and not spans:
        return [], [Refusal(reason="window_too_short")]
    alike: dict[tuple[tuple[int, int], ...], list[tuple[str, Times]]] = {}
    offered: dict[str, dict[str, list[Slot]]] = {}
    refusals = []
    for channel in possible.channels:
        minutes = open_minutes(channel.quiet, channel.legal, facts.margin_minutes)
        if minutes not in alike:
            zone, hours = facts.place.zone, facts.point.hours
            found = ((delay, times(zone, since, until, minutes, scores, hours)) for delay, since, until in spans)
            alike[minutes] = [(delay, within) for delay, within in found if within is not None]
        reasons: dict[str, None] = {}
        kept = {}
        for number, (delay, within) in enumerate(alike[minutes]):
            turn = None if draw is None else (draw + number * _GOLDEN) % 1.0
            if slots := _taken(facts, channel, delay, within, scores is not None, turn, reasons):
                kept[delay] = slots
        if kept:
            offered[channel.name] = kept
        else:
            why = reasons or [_closed(facts, channel)]
            refusals += [Refusal(reason=reason, channel=channel.name) for reason in why]
    channels = [channel for channel in possible.channels if channel.name in offered]
    messages = islice(_in_order(facts.point, channels, offered, possible), facts.point.most_slots)
    return _options(messages, facts.trigger_at.timestamp(), facts.value or 0.0), refusals


def _spans(facts: Facts) -> list[tuple[str, int, int]]:
    """(delay, from, until) in seconds since 1970, whole minutes, of the delays that are not over.

    When all of them are, the last one lasts for another day: the customer may still be written to.
    """
    trigger, opens, closes = facts.trigger_at.timestamp(), facts.opens.timestamp(), facts.closes.timestamp()
    last = facts.point.spans[-1][0]
    found = []
    for delay, begin, end in facts.point.spans:
        since = max(trigger + begin * _HOUR, opens)
        until = min(max(trigger + end * _HOUR, since + _DAY if delay == last else 0.0), closes)
        start = int(-(-since // 60)) * 60
        if start < until:
            found.append((delay, start, int(-(-until // 1))))
    return found


def _taken(
    facts: Facts,
    channel: Channel,
    delay: str,
    within: Times,
    scored: bool,
    draw: float | None,
    reasons: dict[str, None],
) -> list[Slot]:
    """The slots of one channel and delay that the rules leave, the first choice first; `reasons` gets why others fell.

    Where more than one is wanted the earliest is among them, as it is what the shop's rule means by its delay; then
    come the best, and last the one that the draw takes. Behind these stand the edges of hidden hours.
    """
    most = facts.point.most_hours
    first = [within.ranked[0], within.earliest] if scored else [within.earliest]
    chosen = _allowed(facts, channel, [*first, *within.ranked], most, reasons)
    if draw is not None and len(chosen) == most > 1:
        left = [slot for slot in within.ranked if slot not in chosen[:-1]]
        turn = int(draw * len(left))
        chosen = _allowed(facts, channel, [*chosen[:-1], *left[turn:], *left[:turn]], most, reasons)
    ruled = {
        int(message.hour[:2]) // 3
        for message in facts.point.rule
        if message.hour and (message.channel, message.delay) == (channel.name, delay)
    }
    others = [*(slot for slot in within.ranked if slot.hour // 3 in ruled), *within.edges]
    return _allowed(facts, channel, [*chosen, *others], len(chosen) + len(others), reasons)


def _allowed(facts: Facts, channel: Channel, slots: Sequence[Slot], most: int, reasons: dict[str, None]) -> list[Slot]:
    """The first `most` of `slots`, each once, at which the rules let the channel send."""
    barred = bool(facts.bars[channel.name])
    kept: list[Slot] = []
    for slot in slots:
        if len(kept) == most:
            break
        if slot in kept:
            continue
        if barred and (reason := refused(facts, channel, slot.at)):
            reasons[reason] = None
        else:
            kept.append(slot)
    return kept


def _closed(facts: Facts, channel: Channel) -> str:
    """Why no time is open: it is quiet, unless the law alone forbids them all."""
    minutes = open_minutes(None, channel.legal, facts.margin_minutes)
    lawful = open_spans(int(facts.opens.timestamp()) + 1, int(facts.closes.timestamp()), facts.place.zone, minutes)
    return "quiet_hours" if lawful else "legal_hours"


def _in_order(
    point: DecisionPoint, channels: Sequence[Channel], offered: _Offered, possible: Parts
) -> Iterator[_Message]:
    """Every message, in the order in which they are given up from the end when there are too many.

    What the shop's rule consists of comes first; then the first choices of every channel and delay, crosswise, so that
    an end anywhere leaves some of each; then what is one step off in incentive, argument or hour, and so on.
    """
    crosswise = sorted(
        ((d - c) % len(point.delays), c, d)
        for c, channel in enumerate(channels)
        for d, delay in enumerate(point.delays)
        if delay in offered[channel.name]
    )
    places = [(channels[c], point.delays[d]) for _, c, d in crosswise]
    most = max((len(slots) for by_delay in offered.values() for slots in by_delay.values()), default=0)
    sizes = len(possible.incentives), len(possible.arguments), most
    series = {(message.channel, message.delay, message.argument, message.incentive) for message in point.rule}
    for ruled in (True, False):
        for i, a, h in _steps(sizes):
            incentive, argument = possible.incentives[i], possible.arguments[a]
            given = incentive.name if incentive else ""
            for channel, delay in places:
                slots = offered[channel.name][delay]
                if h < len(slots) and ((channel.name, delay, argument, given) in series) is ruled:
                    yield channel, delay, slots[h], argument, incentive


@lru_cache(maxsize=256)
def _steps(sizes: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Places in three lists of these sizes, by how far they are from the beginnings."""
    incentives, arguments, slots = map(range, sizes)
    return sorted(product(incentives, arguments, slots), key=lambda step: (sum(step), step))


def _options(messages: Iterable[_Message], trigger: float, value: float) -> list[Option]:
    """Messages as the log keeps them; `trigger` is in seconds since 1970, `value` that of the cart."""
    told: dict[Slot, tuple[datetime, str, str, float, float]] = {}
    found = []
    for channel, delay, slot, argument, incentive in messages:
        if slot not in told:
            told[slot] = _told(slot, trigger)
        send_at, hour, weekday, delay_hours, score = told[slot]
        gift, discount = (incentive.name, incentive.discount(value)) if incentive else ("", 0.0)
        labels = delay, hour, weekday, argument, gift
        found.append(Option(0.0, channel.name, send_at, *labels, delay_hours, score, channel.cost, discount))
    return found


def _told(slot: Slot, trigger: float) -> tuple[datetime, str, str, float, float]:
    """What an option says of its time."""
    # a fixed offset: two times of one ZoneInfo are compared by the clock on the wall, which goes back once a year
    send_at = datetime.fromtimestamp(slot.at, _offset(slot.offset))
    hour, weekday = _HOURS[slot.hour], WEEKDAYS[slot.hour_of_week // 24]
    return send_at, hour, weekday, (slot.at - trigger) / _HOUR, float(slot.score)


@lru_cache(maxsize=256)
def _offset(seconds: int) -> timezone:
    return timezone(timedelta(seconds=seconds))
