"""Use case: what became of a prepared cart. It is an event like any other, and the next cart follows it."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Request

from features.decisions import PreparedCart
from features.events import RESTOCK_FEEDBACK, Body, Event, Line
from features.log import Record, from_record, to_record
from serving.openapi import problems
from serving.problems import Refused
from serving.resources import Resources
from serving.restock.carts import find_cart
from serving.restock.schemas import FeedbackAnswer, FeedbackLine, FeedbackRequest
from serving.schemas import Id

router = APIRouter(tags=["restock"])
_MOST_PARTS = 2
"""An edit that also takes something out is two events."""


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
    cart. The same feedback of one cart counts once; with an `Idempotency-Key`, whatever comes under one key does.
    """
    resources: Resources = request.app.state.resources
    record, cart = await resources.in_thread(find_cart, resources, body.cart_id)
    user_id = await resources.in_thread(_user_of, resources, record)
    events = _events(record, cart, body, idempotency_key, user_id, resources.clock())
    records = [to_record(event) for event in events]
    if idempotency_key is not None:
        await resources.in_thread(_check_same, resources, records)
    new = await asyncio.shield(asyncio.wrap_future(resources.events.submit(records)))
    if idempotency_key is not None and not all(new):  # somebody else with this key was quicker
        await resources.in_thread(_check_same, resources, records)
    resources.metrics.restock_feedback.add(body.type, amount=any(new))
    return FeedbackAnswer(new=any(new))


def _events(
    record: Record,
    cart: PreparedCart,
    body: FeedbackRequest,
    idempotency_key: str | None,
    user_id: str | None,
    now: datetime,
) -> Sequence[Event]:
    """One event; two when an edit also took something out, since that is a rejection."""
    told = body.items or tuple(FeedbackLine(item_id=item.product_id, quantity=item.quantity) for item in cart.items)
    gone = [line for line in told if body.type == "edited" and line.quantity == 0]
    parts = {body.type: [line for line in told if line not in gone], "rejected": gone} if gone else {body.type: told}
    said = msgspec.json.encode((body.type, [(line.item_id, line.quantity) for line in told]))
    natural = hashlib.sha256(said).hexdigest()[:32]
    key = f"said:{natural}" if idempotency_key is None else f"key:{idempotency_key}"
    return [
        Event(
            message_id=f"{body.cart_id}:{key}:{place}",
            type=RESTOCK_FEEDBACK,
            occurred_at=now,
            received_at=now,
            user_id=user_id,
            anonymous_id=record.anonymous_id if user_id is None else None,
            body=Body(
                cart_id=body.cart_id,
                feedback=part,
                feedback_reason=body.reason,
                lines=tuple(Line(product_id=line.item_id, quantity=float(line.quantity or 1)) for line in lines),
            ),
        )
        for place, (part, lines) in enumerate(parts.items())
        if lines
    ]


def _user_of(resources: Resources, record: Record) -> str | None:
    """The customer whose cart it was, also when it was asked for as a visitor's."""
    if record.user_id is None and record.anonymous_id is None:
        raise Refused("unknown_cart", "The cart was prepared for nobody, so there is nobody to learn about")
    person = resources.identities.person(record.user_id, record.anonymous_id)
    return person.customer_id if person.user_ids else None


def _check_same(resources: Resources, records: Sequence[Record]) -> None:
    """Raises `Refused` when something else, less or more was sent under the same key before."""
    keys = {f"{record.key.rpartition(':')[0]}:{place}" for record in records for place in range(_MOST_PARTS)}
    kept = [record for key in sorted(keys) if (record := resources.events.log.find(key))]
    if kept and [from_record(record).body for record in kept] != [from_record(record).body for record in records]:
        raise Refused("idempotency_conflict", "")
