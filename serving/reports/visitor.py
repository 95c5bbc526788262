"""Use case: everything about one customer on one page. Nothing of it is logged but that somebody looked.

Each part is bounded in time and fails alone: what is slow or broken is named in `missing`, and the others are there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from features.person import Person
from serving.access.guard import Caller
from serving.as_of import moment_of
from serving.openapi import problems
from serving.problems import InvalidField, Refused
from serving.reports.person import ids_of, looked_at, restock_moment
from serving.reports.side_by_side import side_by_side
from serving.reports.told_of import contact_state, decisions_of, events_of
from serving.reports.visitor_schemas import Missing, Part, PreviewedCart, VisitorAnswer, VisitorRequest
from serving.resources import Resources
from serving.restock.carts import cart_of
from serving.restock.forecast import forecast_of
from serving.restock.schemas import CartRequest, ForecastAnswer, ForecastRequest

SECONDS = 3.0
"""How long a part may take: the whole page stays within the time that the service gives any request."""

router = APIRouter(tags=["reports"])
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """One look at one person: the question, the moment that it is about, and that of what is foreseen."""

    resources: Resources
    wanted: VisitorRequest
    person: Person
    as_of: datetime
    restock_as_of: datetime


@router.post(
    "/v1/reports/visitor",
    responses=problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited"),
)
async def visitor(request: Request, body: VisitorRequest) -> VisitorAnswer:
    """Who a customer is, what they did, what they would be recommended, and what was decided about them.

    Everything is a preview: no recommendation, cart or decision is logged or counted. That the key looked at this
    person is written down, under a keyed hash of the id. An id of which nothing is known is no error: `known` is false.
    """
    resources: Resources = request.app.state.resources
    caller: Caller = request.state.caller
    return await told_of(resources, body, caller.key_id or "", "key")


async def told_of(resources: Resources, wanted: VisitorRequest, actor: str, role: str) -> VisitorAnswer:
    """The answer, for whoever `actor` is. Raises `Refused` for a subject without an id, or an `as_of` where none may be
    given."""
    if wanted.subject.user_id is None and wanted.subject.anonymous_id is None:
        detail = "a user_id or an anonymous_id is needed"
        raise Refused("validation_error", detail, [InvalidField(pointer="/subject", code="missing", detail=detail)])
    as_of = moment_of(resources, wanted.as_of)
    looked = await resources.previews.in_thread(looked_at, resources, wanted.subject, actor, role)
    restock_as_of = restock_moment(resources, as_of)
    if looked.suppressed:
        return VisitorAnswer(
            as_of=as_of,
            restock_as_of=restock_as_of,
            known=False,
            suppressed=True,
            customer_id=None,
            ids=[],
            missing=dict.fromkeys(wanted.parts, "suppressed"),
        )
    look = Look(resources, wanted, looked.person, as_of, restock_as_of)
    parts = dict.fromkeys(wanted.parts)
    found = await asyncio.gather(*(_in_time(part, look) for part in parts))
    told = dict(zip(parts, found, strict=True))
    return VisitorAnswer(
        as_of=as_of,
        restock_as_of=restock_as_of,
        known=looked.known,
        suppressed=False,
        customer_id=looked.person.customer_id,
        ids=await resources.previews.in_thread(ids_of, resources, looked.person),
        missing={part: missing for part, (_, missing) in told.items() if missing is not None},
        **{part: value for part, (value, _) in told.items()},
    )


async def _in_time(part: Part, look: Look) -> tuple[Any, Missing | None]:
    """A part, or why it is not there."""
    try:
        return await asyncio.wait_for(PARTS_OF[part](look), SECONDS), None
    except TimeoutError:
        return None, "too_slow"
    except Refused as refused:
        return None, "only_now" if refused.code == "validation_error" else "no_model"
    except Exception:
        log.exception("the part %s of a look at a customer failed", part)
        return None, "failed"


async def _events(look: Look) -> Any:
    return await look.resources.previews.in_thread(events_of, look.resources, look.person, look.as_of)


async def _contact(look: Look) -> Any:
    return await look.resources.previews.in_thread(contact_state, look.resources, look.person, look.as_of)


async def _decisions(look: Look) -> Any:
    return await look.resources.previews.in_thread(decisions_of, look.resources, look.person, look.as_of)


async def _recommendations(look: Look) -> Any:
    if look.wanted.as_of is not None:
        raise Refused("validation_error", "recommendations are those of now")
    return await side_by_side(look.resources, look.wanted)


async def _forecast(look: Look) -> ForecastAnswer:
    resources, wanted = look.resources, look.wanted
    body = ForecastRequest(subject=wanted.subject, as_of=look.restock_as_of, locale=wanted.locale)
    published, asked = resources.restock.published(), resources.privacy.asked(body)
    return await resources.previews.in_thread(forecast_of, resources, published, asked, look.restock_as_of)


async def _cart(look: Look) -> PreviewedCart:
    resources, wanted = look.resources, look.wanted
    body = CartRequest(subject=wanted.subject, as_of=look.restock_as_of, locale=wanted.locale)
    published, asked = resources.restock.published(), resources.privacy.asked(body)
    made, _ = await resources.previews.in_thread(cart_of, resources, published, asked, look.restock_as_of)
    return PreviewedCart(
        as_of=look.restock_as_of,
        items=made.items,
        total=made.total,
        next_shopping_day=made.next_shopping_day,
        sold_out=made.sold_out,
        words=made.words,
        model=made.model,
    )


PARTS_OF: Mapping[Part, Callable[[Look], Awaitable[Any]]] = {
    "events": _events,
    "recommendations": _recommendations,
    "forecast": _forecast,
    "cart": _cart,
    "decisions": _decisions,
    "contact": _contact,
}
"""What makes each part."""
