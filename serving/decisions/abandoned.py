"""Use case: what lies abandoned, page by page, for engines that do not find out by themselves."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from fastapi import APIRouter, Request

from features.cart_kinds import KINDS, KindName
from features.cart_lines import CartLine, round_money
from features.cart_table import CartTable, KeptCart, Place, Times
from features.carts_then import abandoned_then
from features.fields import storable
from serving.as_of import moment_of
from serving.decisions.bank import DecisionPoint
from serving.decisions.event_schemas import (
    AbandonedAnswer,
    AbandonedCart,
    AbandonedItem,
    AbandonedRequest,
    AbandonedTrigger,
)
from serving.openapi import problems
from serving.problems import InvalidField, Refused
from serving.resources import Resources
from serving.schemas import Subject

router = APIRouter(tags=["decisions"])
_MOST = 2**62


@router.post(
    "/v1/carts/abandoned",
    responses=problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited"),
)
async def abandoned(request: Request, body: AbandonedRequest) -> AbandonedAnswer:
    """Carts, or what was browsed or wished for, that were left behind and not bought since; the earliest first.

    When something counts as abandoned, and when as gone for good, is as the decision point of its trigger says:
    `cart_recovery`, `browse`, `wishlist`. Each comes with the trigger for `POST /v1/decisions`.
    """
    resources: Resources = request.app.state.resources
    behind = _behind(body)
    if body.as_of is None:
        found = await resources.in_batch_thread(_found, resources, body, behind, resources.clock())
    else:
        then = moment_of(resources, body.as_of)
        found = await resources.in_batch_thread(_found_then, resources, body, behind, then)
    page = found[: body.limit]
    more = len(found) > body.limit
    known = [kept for kept in page if not resources.privacy.suppressions.has(kept.user_id, kept.anonymous_id)]
    return AbandonedAnswer(carts=[_cart(kept) for kept in known], next_cursor=_cursor(body, page[-1]) if more else None)


def _found(resources: Resources, body: AbandonedRequest, behind: Place | None, now: datetime) -> list[KeptCart]:
    """One more than the page holds, if there are as many: then there is another page."""
    log = resources.events.log
    table = CartTable(log.engine, times_of(resources.bank.now.points.values()))
    table.catch_up(log, resources.identities)
    since, until = _window(body, table.times[body.kind], now)
    return table.abandoned(now, since, until, body.kind, body.min_value, behind, body.limit + 1)


def _found_then(resources: Resources, body: AbandonedRequest, behind: Place | None, then: datetime) -> list[KeptCart]:
    """The same as of a moment of the past."""
    times = times_of(resources.bank.now.points.values()).get(body.kind, Times())
    since, until = _window(body, times, then)
    log = resources.events.log
    found = abandoned_then(log, resources.identities, times, then, since, until, body.kind, body.min_value)
    return [kept for kept in found if behind is None or kept.place > behind][: body.limit + 1]


def _window(body: AbandonedRequest, times: Times, now: datetime) -> tuple[datetime, datetime]:
    return body.window.from_ or now - times.ttl - times.idle, body.window.to or now + times.idle


def times_of(points: Iterable[DecisionPoint]) -> Mapping[KindName, Times]:
    """When each kind of cart counts as abandoned: as the first of the points that hears of it says."""
    told: dict[str, Times] = {}
    for point in points:
        times = Times(timedelta(minutes=point.idle_minutes), timedelta(hours=point.ttl_hours))
        told |= {trigger: times for trigger in point.triggers if trigger not in told}
    return {kind: told[trigger] for kind in KINDS if (trigger := f"{kind}_abandoned") in told}


def _cart(kept: KeptCart) -> AbandonedCart:
    cart = kept.cart
    at = cart.abandoned_at or cart.seen_at
    return AbandonedCart(
        subject=Subject(user_id=kept.user_id, anonymous_id=kept.anonymous_id),
        trigger=AbandonedTrigger(id=cart.cart_id, type=f"{cart.stage}_abandoned", at=at),
        value=cart.value,
        currency=cart.currency,
        items=list(map(_item, cart.lines)),
        checkout_step=cart.checkout_step,
        started_at=cart.started_at,
        changed_at=cart.changed_at,
    )


def _item(line: CartLine) -> AbandonedItem:
    price = None if line.price is None else round_money(line.price)
    return AbandonedItem(item_id=line.product_id, quantity=line.quantity, price=price)


def _digest(body: AbandonedRequest) -> str:
    return hashlib.sha256(repr((body.kind, body.window, body.min_value, body.as_of)).encode()).hexdigest()[:16]


def _cursor(body: AbandonedRequest, last: KeptCart) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([_digest(body), *last.place])).decode()


def _behind(body: AbandonedRequest) -> Place | None:
    """Where a page begins. Raises `Refused` for a cursor that is not of this question."""
    if body.cursor is None:
        return None
    try:
        told = msgspec.json.decode(base64.urlsafe_b64decode(body.cursor), type=tuple[str, int, str])
        if told[0] == _digest(body) and abs(told[1]) < _MOST and storable(told[2]):
            return told[1], told[2]
        detail = "the cursor is of another question; send the same kind, window, min_value and as_of with it"
    except (ValueError, msgspec.MsgspecError):
        detail = "this is no cursor; send the next_cursor of the page before, or none"
    raise Refused("validation_error", detail, [InvalidField(pointer="/cursor", code="invalid_cursor", detail=detail)])
