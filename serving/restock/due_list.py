"""Use case: the customers who are due, each with a prepared cart, page by page, for campaigns."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
from fastapi import APIRouter, Request

from features.person import Person
from features.purchases import last_day
from models.arrays import codes_of
from models.published import PublishedReplenishment
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from serving.as_of import moment_of
from serving.bundle import Shelf
from serving.openapi import problems
from serving.problems import InvalidField, Refused
from serving.resources import Resources
from serving.restock.carts import log_carts
from serving.restock.customer import customer_behind, over_groups
from serving.restock.due import Budget, Page, Question, cart_for, due_page
from serving.restock.forecast import reference
from serving.restock.notices import with_notices
from serving.restock.prepared import Prepared, prepared
from serving.restock.schemas import DueAnswer, DueCustomer, DueRequest
from serving.restock.taught import Taught, taught
from serving.restock.touched import ScoredCustomers
from serving.restock.wording import restock_wording
from serving.schemas import Subject

router = APIRouter(tags=["restock"])
_EPOCH = date(1970, 1, 1)


@router.post(
    "/v1/restock/due",
    responses=problems(
        "malformed_json",
        "payload_too_large",
        "unsupported_media_type",
        "rate_limited",
        "model_unavailable",
        "nobody_scored",
    ),
)
async def restock_due(request: Request, body: DueRequest) -> DueAnswer:
    """Who probably needs something within a window of days, with a cart each, in the order of their ids.

    Whoever ordered a moment ago is forecast anew first. A page may be short; there are more as long as there is a
    `next_cursor`. The carts are logged before they are answered; with `as_of` it is a replay, and nothing is. With
    `channels`, each customer who is due within three days gets a decision of the point `restock`, in `send`.
    """
    resources: Resources = request.app.state.resources
    published, scored = resources.restock.published(), resources.restock.customers()
    as_of = moment_of(resources, body.as_of)
    question = _question(resources, published, scored, body, last_day(as_of))
    page, carts = await resources.in_batch_thread(_made, resources, published, scored, body, question, as_of)
    out = await resources.in_batch_thread(resources.privacy.unlisted, [due.person for due in page.customers])
    found = [pair for pair, gone in zip(zip(page.customers, carts, strict=True), out, strict=True) if not gone]
    if body.as_of is None and found:
        await log_carts(resources, [one.record for _, one in found])
    customers = [
        DueCustomer(
            subject=_subject(due.person),
            due_at=_EPOCH + timedelta(days=due.day),
            probability=round(due.probability, 4),
            cart=one.cart,
        )
        for due, one in found
    ]
    if body.channels and body.as_of is None:
        customers = await with_notices(resources, body.channels, customers, [due.need for due, _ in found])
    return DueAnswer(
        customers=customers,
        channels=body.channels,
        next_cursor=None if page.last_id is None else _cursor(body, page.last_id),
        as_of=scored.table.as_of,
        model=reference(published),
    )


def _made(
    resources: Resources,
    published: PublishedReplenishment,
    scored: ScoredCustomers,
    body: DueRequest,
    question: Question,
    as_of: datetime,
    budget: Budget = Budget(),  # noqa: B008 - frozen
) -> tuple[Page, Sequence[Prepared]]:
    groups, shelf, words = published.model.groups, resources.champion.shelf, restock_wording(body.locale)
    places = resources.restock.places(groups)

    forecast = 0

    def anew(person: Person) -> tuple[Forecasts, Taught]:
        nonlocal forecast
        forecast += 1
        customer = customer_behind(resources.restock.histories, person, as_of)
        forecasts = published.model.forecast(over_groups(customer.lines, groups, places), question.today)
        return forecasts, taught(customer.feedback(), forecasts, groups)

    page = due_page(scored, question, anew, budget)
    enough = forecast + budget.anew
    now = as_of if body.as_of else resources.clock()
    carts: list[Prepared] = []
    for place, due in enumerate(page.customers):
        if forecast >= enough:  # many miss what is sold out
            return page.first(place), carts
        choice = cart_for(due, groups, shelf, body.max_items, anew)
        day = _EPOCH + timedelta(days=due.day)
        carts.append(prepared(choice.lines, _subject(due.person), day, shelf, published, words, now, "due"))
    return page, carts


def _question(
    resources: Resources, published: PublishedReplenishment, scored: ScoredCustomers, body: DueRequest, today: int
) -> Question:
    """What is asked, in days since 1970. Raises `Refused` for a window that the table cannot speak of."""
    made = last_day(scored.table.as_of)
    reach = made + HORIZON
    first, last = (body.window.from_ - _EPOCH).days, (body.window.to - _EPOCH).days
    if today < made:
        told = f"everybody was scored as of {scored.table.as_of.isoformat()}, after as_of; nobody knows what was before"
        raise Refused("validation_error", told, [InvalidField(pointer="/as_of", code="out_of_range", detail=told)])
    if reach <= today:
        told = (
            f"The table is of {_EPOCH + timedelta(days=made)}, too long ago. Run `python -m pipelines restock score`."
        )
        raise Refused("nobody_scored", told)
    if not max(first, today + 1) <= last <= reach:
        told = (
            f"the window must end from {_EPOCH + timedelta(days=today + 1)} to {_EPOCH + timedelta(days=reach)}, "
            "and not before it begins"
        )
        raise Refused("validation_error", told, [InvalidField(pointer="/window/to", code="out_of_range", detail=told)])
    units = _units(published.model.groups, resources.champion.shelf, body)
    return Question(max(first, today + 1), last, today, body.min_probability, units, _after(body), body.limit)


def _units(groups: Groups, shelf: Shelf, body: DueRequest) -> frozenset[str] | None:
    """The groups that the request is about; None for all."""
    wanted: set[str] | None = set(body.item_ids) if body.item_ids else None
    if body.category is not None:
        path = body.category.strip("/")
        below = {id_ for id_, product in shelf.products.items() if f"{product.category or ''}/".startswith(f"{path}/")}
        wanted = below if wanted is None else wanted & below
    if wanted is None:
        return None
    codes = codes_of(sorted(wanted), groups.product_ids)
    units = groups.units[codes[codes >= 0]]
    return frozenset(groups.unit_ids[units[units >= 0]].tolist())


def _subject(person: Person) -> Subject:
    if person.user_ids:
        return Subject(user_id=person.customer_id)
    return Subject(anonymous_id=next(iter(person.anonymous_ids), None))


def _digest(body: DueRequest) -> str:
    asked = body.window, body.min_probability, body.item_ids, body.category
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def _cursor(body: DueRequest, last_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([_digest(body), last_id])).decode()


def _after(body: DueRequest) -> str:
    """The customer behind whom a page begins. Raises `Refused` for a cursor that is not of this question."""
    if body.cursor is None:
        return ""
    try:
        digest, last_id = msgspec.json.decode(base64.urlsafe_b64decode(body.cursor), type=tuple[str, str])
        if digest == _digest(body):
            return last_id
        told = "the cursor is of another question; send the same window, probability and products with it"
    except (ValueError, msgspec.MsgspecError):
        told = "this is no cursor; send the next_cursor of the page before, or none"
    raise Refused("validation_error", told, [InvalidField(pointer="/cursor", code="invalid_cursor", detail=told)])
