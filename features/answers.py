"""Which events of messages answer which decisions about one person: by an id that they name, else by what fits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from features.contact import ANY, Touch
from features.decisions import Terms
from features.log import Record, moment


class _Option(msgspec.Struct, frozen=True, array_like=True):
    probability: float
    channel: str | None = None


class Gist(msgspec.Struct, frozen=True):
    """As much of a `features.decisions.Decided` as it takes to say what came of it: a tenth of the time to read."""

    decision_point: str
    trigger_id: str
    step: int
    options: tuple[_Option, ...]
    chosen: int
    terms: Terms

    @property
    def channel(self) -> str | None:
        """The channel that was chosen; None for silence."""
        return self.options[self.chosen].channel if self.options else None


_DECODER = msgspec.json.Decoder(Gist)


@dataclass(frozen=True)
class Windowed:
    """A decision with the window in which things count, and the activation that stands."""

    id: str
    at: datetime
    ends: datetime
    gist: Gist
    activation: Touch | None = None

    @classmethod
    def of(cls, record: Record) -> "Windowed":
        """From a record of the decision log."""
        gist = _DECODER.decode(record.payload)
        at = moment(record.occurred_at)
        return cls(record.key, at, at + timedelta(hours=gist.terms.window_hours), gist)

    def holds(self, touch: Touch) -> bool:
        """Whether something happened within the window."""
        return self.at <= touch.at < self.ends


@dataclass(frozen=True)
class Answers:
    """The events that answer each decision, and the ids of those of which it is not certain that they do."""

    touches: Mapping[str, Sequence[Touch]]
    ambiguous: frozenset[str]


def activated(decisions: Iterable[Windowed], touches: Sequence[Touch]) -> dict[str, Windowed]:
    """The decisions by their ids, each with the first message that was sent for it; `touches` are by time."""
    first: dict[str, Touch] = {}
    known = {decision.id: decision for decision in decisions}
    for touch in touches:
        decision = known.get(touch.decision_id or "")
        if touch.kind == "sent" and decision is not None and decision.holds(touch):
            first.setdefault(decision.id, touch)
    return {id_: replace(decision, activation=first.get(id_)) for id_, decision in known.items()}


def answers(decisions: Mapping[str, Windowed], touches: Sequence[Touch]) -> Answers:
    """Join the events of one person to the decisions about the same person."""
    joined: defaultdict[str, list[Touch]] = defaultdict(list)
    ambiguous: set[str] = set()
    ours = [(decision.activation, decision) for decision in decisions.values() if decision.activation is not None]
    by_message = {sent.provider_message_id: decision.id for sent, decision in ours if sent.provider_message_id}
    others = [touch for touch in touches if touch.kind == "sent" and touch.decision_id not in decisions]
    for touch in touches:
        if touch.kind == "sent":
            continue
        named_id = touch.decision_id or by_message.get(touch.provider_message_id or "")
        if named_id is not None:
            named = decisions.get(named_id)
            if named is not None and named.holds(touch):
                joined[named.id].append(touch)
            continue
        fitting = [(sent.at, decision.id) for sent, decision in ours if decision.holds(touch) and _fits(sent, touch)]
        if not fitting:
            continue
        last, id_ = max(fitting)
        reach = decisions[id_].ends - decisions[id_].at
        rivals = [sent.at for sent in others if _fits(sent, touch) and touch.at - sent.at < reach]
        if rivals and max(rivals) > last:
            continue
        joined[id_].append(touch)
        if len(fitting) + len(rivals) > 1:
            ambiguous.add(id_)
    return Answers(joined, frozenset(ambiguous))


def _fits(sent: Touch, touch: Touch) -> bool:
    """Whether an event may be an answer to a message that was sent; ids and names that both have must agree."""
    same_channel = touch.channel in (ANY, sent.channel)
    same_campaign = touch.campaign is None or sent.campaign in (None, touch.campaign)
    same_message = touch.provider_message_id is None or sent.provider_message_id in (None, touch.provider_message_id)
    return sent.at <= touch.at and same_channel and same_campaign and same_message
