"""What came of each decision: decisions joined with the events of their customers, one `Outcome` a decision.

The join reads the two logs and nothing else, so it may be made anew at any moment, and what came late, twice or never
changes nothing but what it says:

- Only what occurred from the decision on and before its window closed counts; when it arrived does not matter. Returns
  and cancellations count whenever they occurred.
- A message id counts once, and of several reports of one order the earliest.
- The first activation by its time stands, a second one is ignored, and one before the decision is none. What an engine
  never tells stays False: an opened message without an activation was opened, but not activated.
- Orders are those of the merged person, whatever they were a reaction to; money comes from orders alone. What an engine
  claims to have converted is `claimed` and never money: nobody claims the sales that silence made.
- A message's event that names a decision, or the provider's id of the message that was sent for it, counts for that
  decision if its person is the decision's. One that names none is joined to the last message that the same channel
  carried to that person, no longer ago than the window. If that was another campaign's, it is no decision's; if more
  than one fits, the outcome is `ambiguous`.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter

import msgspec

from features.answers import Answers, Windowed, activated, answers
from features.contact import TOUCHES, touch_of
from features.decisions import DECISION, Came
from features.events import Event
from features.identity import Identities
from features.kept_orders import KeptOrder, kept_orders
from features.log import Log, Record, from_record, moment
from features.people import people_of, records_of
from features.person import Person
from features.purchases import ORDER_EVENTS


class _Kept(msgspec.Struct, frozen=True):
    came: Came | None = None


_CAME = '"came":'
_KEPT = msgspec.json.Decoder(_Kept)
_NOTHING = Decimal(0)
_KNOWN_BEFORE = timedelta(days=31)
"""So far before the first decision is read: what an order was reported as first, and what was sent by whom."""


class Outcome(Came, frozen=True, kw_only=True):
    """What is known at some moment of what came after one decision: after which, of whom, and in which orders.

    `customer_id` is who the person is now that ids have been merged; `channel` is the one that was chosen, None for
    silence. Money is in `currency`, that of the decision's terms or, where they name none, of the first order: `value`
    is what the goods that were kept cost, before `discount`; orders in other currencies are only counted, in
    `foreign_orders`. `matured` says that the window in which things count has closed. Windows overlap, so one order may
    be in the outcomes of two decisions: `order_ids` tell.
    """

    decision_id: str
    decision_point: str
    customer_id: str
    trigger_id: str
    step: int
    decided_at: datetime
    window_ends: datetime
    matured: bool
    channel: str | None
    order_ids: tuple[str, ...] = ()


def outcomes(
    events: Log, decisions: Log, identities: Identities, records: Sequence[Record], as_of: datetime
) -> list[Outcome]:
    """The outcome of each of `records`, decisions of the decision log, in their order, as known at `as_of`.

    What happened after `as_of` waits. The other decisions about the same persons are read too, as an event may be the
    answer to one of those. A tombstone says itself what came of it.
    """
    said = {record.key: outcome for record in records if (outcome := _said(record, as_of)) is not None}
    found = _joined(events, decisions, identities, [record for record in records if record.key not in said], as_of)
    return [said.get(record.key) or found[record.key] for record in records]


def _joined(
    events: Log, decisions: Log, identities: Identities, records: Sequence[Record], as_of: datetime
) -> dict[str, Outcome]:
    if not records:
        return {}
    people = people_of(identities, {(record.user_id, record.anonymous_id) for record in records})
    since = moment(min(record.occurred_at for record in records)) - _KNOWN_BEFORE
    asked: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        asked[people[record.user_id, record.anonymous_id].customer_id].append(record)
    about = {p.customer_id: found for p, found in records_of(decisions, people.values(), (DECISION,), since)}
    found: dict[str, Outcome] = {}
    for person, happened in records_of(events, people.values(), (*TOUCHES, *ORDER_EVENTS), since):
        theirs = {record.key: record for record in (*about[person.customer_id], *asked[person.customer_id])}
        wanted = {record.key for record in asked[person.customer_id]}
        known = [event for event in map(from_record, happened) if event.occurred_at <= as_of]
        found |= _of_person(person, list(map(Windowed.of, theirs.values())), wanted, known, as_of)
    return found


def _said(record: Record, as_of: datetime) -> Outcome | None:
    """What stands in a tombstone; None for the decision of somebody who is known."""
    if _CAME not in record.payload:
        return None
    kept = _KEPT.decode(record.payload).came
    if kept is None or record.user_id is None:
        return None
    decision = Windowed.of(record)
    return Outcome(
        decision_id=record.key,
        decision_point=decision.gist.decision_point,
        customer_id=record.user_id,
        trigger_id=decision.gist.trigger_id,
        step=decision.gist.step,
        decided_at=decision.at,
        window_ends=decision.ends,
        matured=as_of >= decision.ends,
        channel=decision.gist.channel,
        **msgspec.structs.asdict(kept),
    )


def _of_person(
    person: Person, decisions: Sequence[Windowed], wanted: set[str], events: Sequence[Event], as_of: datetime
) -> dict[str, Outcome]:
    touches = [touch for event in events if (touch := touch_of(event)) is not None]
    touches.sort(key=attrgetter("at", "kind", "channel"))
    active = activated(decisions, touches)
    answered = answers(active, touches)
    orders = kept_orders([event for event in events if event.type in ORDER_EVENTS])
    return {id_: _outcome(person, active[id_], answered, orders, as_of) for id_ in active.keys() & wanted}


def _outcome(
    person: Person, decision: Windowed, answered: Answers, orders: Sequence[KeptOrder], as_of: datetime
) -> Outcome:
    gist, sent = decision.gist, decision.activation
    touches = answered.touches.get(decision.id, ())
    inside = [order for order in orders if decision.at <= order.at < decision.ends]
    currency = gist.terms.currency or next((order.currency for order in inside if order.currency), None)
    ours = [order for order in inside if order.currency in (None, currency)]
    moments = [touch.at for touch in touches] + [order.at for order in inside] + ([sent.at] if sent else [])
    people = {touch.kind for touch in touches if not touch.machine}
    machines = {touch.kind for touch in touches if touch.machine}
    return Outcome(
        decision_id=decision.id,
        decision_point=gist.decision_point,
        customer_id=person.customer_id,
        trigger_id=gist.trigger_id,
        step=gist.step,
        decided_at=decision.at,
        window_ends=decision.ends,
        matured=as_of >= decision.ends,
        channel=gist.channel,
        activated_at=sent.at if sent else None,
        activated_channel=sent.channel if sent else None,
        order_ids=tuple(order.order_id for order in ours if order.order_id is not None),
        orders=len(ours),
        first_order_at=ours[0].at if ours else None,
        value=sum((order.value for order in ours), _NOTHING),
        discount=sum((order.discount for order in ours), _NOTHING),
        currency=currency,
        foreign_orders=len(inside) - len(ours),
        delivered="delivered" in people | machines,
        opened="opened" in people,
        opened_by_machine="opened" in machines,
        clicked="clicked" in people,
        clicked_by_machine="clicked" in machines,
        unsubscribed="unsubscribed" in people,
        complained="complained" in people,
        bounced="bounced" in people,
        claimed="converted" in people,
        ambiguous=decision.id in answered.ambiguous,
        last_event_at=max(moments, default=None),
    )
