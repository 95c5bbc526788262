"""What the logs tell of one person: what they did last, what was decided about them, how they may be reached."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from features.catalog import Product
from features.consent_words import last_words
from features.contact import CONSENT_EVENTS, CONTACT_EVENTS, Contact, contact_of
from features.decisions import Decided
from features.events import EVENT_TYPES, Event
from features.latest import latest_of
from features.log import from_record
from features.outcomes import Outcome, outcomes
from features.person import Person
from serving.decisions.answers import answer_of, silent_because
from serving.decisions.past import Past, past_of
from serving.decisions.schemas import ArmName
from serving.decisions.zones import Place, place
from serving.reports.visitor_schemas import (
    CameOf,
    ConsentWord,
    ContactState,
    DecidedOption,
    SeenEvent,
    SeenItem,
    VisitorDecision,
)
from serving.resources import Resources

MOST_EVENTS = 50
MOST_DECISIONS = 20
_MOST_TOLD = 1_000
_MOST_ITEMS = 20


def zone_of(resources: Resources, contact: Contact) -> Place:
    """Where the person's clock hangs; the shop's zone where nobody said so."""
    return place([contact.timezone], resources.bank.now.zone)


def contact_at(resources: Resources, person: Person, as_of: datetime) -> Contact:
    """What is known of messages and consents, and the last time zone that any event told."""
    log = resources.events.log
    (told,) = latest_of(log, [person], _MOST_TOLD, CONTACT_EVENTS, [as_of])
    (said,) = latest_of(log, [person], _MOST_TOLD, CONSENT_EVENTS, [as_of])
    if len(said) == _MOST_TOLD:
        said += last_words(log, person, as_of)
    (latest,) = latest_of(log, [person], MOST_EVENTS, EVENT_TYPES, [as_of])
    return contact_of([from_record(record) for record in (*said, *told, *latest)], as_of)


def events_of(resources: Resources, person: Person, as_of: datetime) -> list[SeenEvent]:
    """The latest events, the newest first, in the person's own time."""
    (found,) = latest_of(resources.events.log, [person], MOST_EVENTS, EVENT_TYPES, [as_of])
    zone = zone_of(resources, contact_at(resources, person, as_of)).zone
    events = sorted(map(from_record, found), key=lambda event: event.occurred_at, reverse=True)
    products = resources.champion.shelf.products
    return [_seen(event, event.occurred_at.astimezone(zone), products) for event in events]


def contact_state(resources: Resources, person: Person, as_of: datetime) -> ContactState:
    """Consents, channels that do not arrive, and whether the person wants to be known."""
    contact = contact_at(resources, person, as_of)
    here = zone_of(resources, contact)
    words = [
        ConsentWord(channel=channel or None, purpose=purpose or None, consent=said.consent, at=said.at)
        for (channel, purpose), said in sorted(contact.consents.items())
    ]
    return ContactState(
        timezone=here.zone.key,
        timezone_known=here.known,
        consents=words,
        unreachable=sorted(contact.unreachable),
        personalization_withdrawn=withdrawn(resources, person),
    )


def withdrawn(resources: Resources, person: Person) -> bool:
    """Whether the person does not want to be known, by any id."""
    ids = [(id_, None) for id_ in person.user_ids] + [(None, id_) for id_ in person.anonymous_ids]
    return any(resources.privacy.impersonal(user, visitor) for user, visitor in ids)


def decisions_of(resources: Resources, person: Person, as_of: datetime) -> list[VisitorDecision]:
    """The latest decisions, the newest first, each with all its options and what came of it."""
    log = resources.decisions.log
    (past,) = past_of(log, [person], [as_of])
    latest = past[-MOST_DECISIONS:][::-1]
    came = outcomes(resources.events.log, log, resources.identities, [one.record for one in latest], as_of)
    return [_decision(one, outcome, as_of) for one, outcome in zip(latest, came, strict=True)]


def _seen(event: Event, at: datetime, products: Mapping[str, Product]) -> SeenEvent:
    body = event.body
    items = [
        SeenItem(
            item_id=line.product_id,
            title=products[line.product_id].title if line.product_id in products else None,
            quantity=line.quantity,
        )
        for line in body.lines[:_MOST_ITEMS]
    ]
    return SeenEvent(
        type=event.type,
        at=at,
        items=items,
        order_id=body.order_id,
        total=body.total,
        currency=body.currency,
        query=body.query,
        category=body.category,
        channel=body.channel,
        campaign=body.campaign,
        consent=body.consent,
        purpose=body.purpose,
        feedback=body.feedback,
    )


def _decision(one: Past, outcome: Outcome, as_of: datetime) -> VisitorDecision:
    decided: Decided = one.decided()
    answer = answer_of(one.decision_id, decided, (), sticky=True)
    options = [
        DecidedOption(
            channel=option.channel,
            send_at=option.send_at,
            argument=option.argument or None,
            incentive=option.incentive or None,
            probability=option.probability,
            chosen=place == decided.chosen,
        )
        for place, option in enumerate(decided.options)
    ]
    return VisitorDecision(
        decision_id=one.decision_id,
        decision_point=decided.decision_point,
        trigger_id=decided.trigger_id,
        step=decided.step,
        decided_at=one.decided_at,
        valid_until=decided.valid_until,
        open=decided.valid_until > as_of,
        arm=cast(ArmName, decided.arm),
        policy=answer.policy,
        propensity=decided.propensity,
        explored=decided.explored,
        reason=silent_because(decided),
        options=sorted(options, key=lambda option: -option.probability),
        blocked=answer.blocked,
        outcome=_came(outcome),
    )


def _came(outcome: Outcome) -> CameOf:
    return CameOf(
        matured=outcome.matured,
        activated_at=outcome.activated_at,
        delivered=outcome.delivered,
        opened=outcome.opened,
        clicked=outcome.clicked,
        unsubscribed=outcome.unsubscribed,
        complained=outcome.complained,
        orders=outcome.orders,
        value=outcome.value,
        currency=outcome.currency,
    )
