"""Use case: what became of a prepared cart. It is an event like any other, and the next cart follows it."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Request

from features.decisions import PreparedCart
from features.events import RESTOCK_FEEDBACK, Body, Event, Line
from features.log import Log, Record, from_record, to_record
from features.person import Person
from serving.openapi import problems
from serving.problems import Refused
from serving.resources import Resources
from serving.restock.carts import find_cart
from serving.restock.schemas import FeedbackAnswer, FeedbackLine, FeedbackRequest
from serving.schemas import Id

router = APIRouter(tags=["restock"])
_MOST_PARTS = 2
"""An edit that also takes something out is two events."""

Parts = Mapping[str, tuple[Line, ...]]


@router.post(
    "/v1/restock/carts/feedback",
    responses=problems(
        "malformed_json",
        "payload_too_large",
        "unsupported_media_type",
        "rate_limited",
        "unknown_cart",
        "idempotency_conflict",
    ),
)
async def restock_feedback(
    request: Request, body: FeedbackRequest, idempotency_key: Annotated[Id | None, Header()] = None
) -> FeedbackAnswer:
    """A customer edited, rejected or ordered a prepared cart.

    A rejected need is not proposed until it is bought again, 28 days at most; an edited quantity is that of the next
    cart. Whoever says the same as last time of a cart says nothing new; after something else it counts again. With an
    `Idempotency-Key`, whatever comes under one key counts once: send one where a retry may arrive after later feedback.
    """
    resources: Resources = request.app.state.resources
    record, cart = await resources.in_thread(find_cart, resources, body.cart_id)
    person = await resources.in_thread(_person_of, resources, record)
    key = f"key:{idempotency_key}"
    if idempotency_key is None:
        key = await resources.in_thread(_following, resources.events.log, person, body, _parts(cart, body))
    events = _events(record, body, _parts(cart, body), key, person, resources.clock())
    records = [to_record(event) for event in events]
    if idempotency_key is not None:
        await resources.in_thread(_check_same, resources, records)
    new = await asyncio.shield(asyncio.wrap_future(resources.events.submit(records)))
    if idempotency_key is not None and not all(new):  # somebody else with this key was quicker
        await resources.in_thread(_check_same, resources, records)
    resources.metrics.restock_feedback.add(body.type, amount=any(new))
    return FeedbackAnswer(new=any(new))


def _parts(cart: PreparedCart, body: FeedbackRequest) -> Parts:
    """What was said of which lines; twice when an edit also took something out, since that is a rejection."""
    told = body.items or tuple(FeedbackLine(item_id=item.product_id, quantity=item.quantity) for item in cart.items)
    gone = [line for line in told if body.type == "edited" and line.quantity == 0]
    parts = {body.type: [line for line in told if line not in gone], "rejected": gone} if gone else {body.type: told}
    return {
        part: tuple(Line(product_id=line.item_id, quantity=float(line.quantity or 1)) for line in lines)
        for part, lines in parts.items()
        if lines
    }


def _events(
    record: Record, body: FeedbackRequest, parts: Parts, key: str, person: Person, now: datetime
) -> Sequence[Event]:
    """One event a part. `key` makes them count once."""
    return [
        Event(
            message_id=f"{body.cart_id}:{key}:{place}",
            type=RESTOCK_FEEDBACK,
            occurred_at=now,
            received_at=now,
            user_id=person.customer_id if person.user_ids else None,
            anonymous_id=None if person.user_ids else record.anonymous_id,
            body=Body(cart_id=body.cart_id, feedback=part, feedback_reason=body.reason, lines=lines),
        )
        for place, (part, lines) in enumerate(parts.items())
    ]


def _following(events: Log, person: Person, body: FeedbackRequest, parts: Parts) -> str:
    """The key of what is said of a cart after all that was said of it before: the last one's where it says the same."""
    found = events.of_person(person.user_ids, person.anonymous_ids, types=(RESTOCK_FEEDBACK,))
    before = [record for record in found if record.key.startswith(f"{body.cart_id}:")]
    last = before[-1].key.rpartition(":")[0] if before else ""
    if last:
        said = [from_record(record).body for record in before if record.key.rpartition(":")[0] == last]
        if {one.feedback: one.lines for one in said} == parts:
            return last.removeprefix(f"{body.cart_id}:")
    told = msgspec.json.encode((last, sorted(parts.items())))
    return f"said:{hashlib.sha256(told).hexdigest()[:32]}"


def _person_of(resources: Resources, record: Record) -> Person:
    """Whose cart it was, with all ids, also when it was asked for as a visitor's."""
    if record.user_id is None and record.anonymous_id is None:
        raise Refused("unknown_cart", "The cart was prepared for nobody, so there is nobody to learn about")
    return resources.identities.person(record.user_id, record.anonymous_id)


def _check_same(resources: Resources, records: Sequence[Record]) -> None:
    """Raises `Refused` when something else, less or more was sent under the same key before."""
    keys = {f"{record.key.rpartition(':')[0]}:{place}" for record in records for place in range(_MOST_PARTS)}
    kept = [record for key in sorted(keys) if (record := resources.events.log.find(key))]
    if kept and [from_record(record).body for record in kept] != [from_record(record).body for record in records]:
        raise Refused("idempotency_conflict", "")
