"""Use case: the prepared cart of one customer, and the page behind its link. Choose, log, answer: in that order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from features.decisions import RESTOCK_CART, PreparedCart
from features.log import Record
from features.purchases import last_day
from models.published import PublishedReplenishment
from serving.as_of import moment_of
from serving.bundle import Shelf
from serving.openapi import problems
from serving.problems import Refused
from serving.resources import Resources
from serving.restock.choice import Choice, chosen, for_sale
from serving.restock.customer import customer_of, dated, over_groups
from serving.restock.forecast import nothing_because, reference
from serving.restock.prepared import Prepared, cart_id_of, prepared, total
from serving.restock.schemas import CartAnswer, CartRequest, OpenedCart, OpenedItem
from serving.restock.taught import taught
from serving.restock.wording import restock_wording
from serving.schemas import Id

router = APIRouter(tags=["restock"])


@dataclass(frozen=True)
class _Made:
    """A cart, why it is as it is, and for which day."""

    prepared: Prepared
    nothing: str
    choice: Choice
    shopping_day: date | None


@router.post(
    "/v1/restock/carts",
    responses=problems(
        "malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited", "model_unavailable"
    ),
)
async def restock_cart(request: Request, body: CartRequest) -> CartAnswer:
    """The cart that a customer probably needs on the next day of shopping; an empty one says that nothing is needed.

    It is logged before it is answered. With `as_of` it is a replay: nothing is logged, and its link leads nowhere.
    """
    resources: Resources = request.app.state.resources
    published, body = resources.restock.published(), resources.privacy.asked(body)
    as_of = moment_of(resources, body.as_of)
    answer, record = await resources.in_thread(cart_of, resources, published, body, as_of)
    if body.as_of is None:
        await log_carts(resources, [record])
    return answer


@router.get("/v1/restock/carts", responses=problems("unknown_cart", "cart_expired"))
async def open_cart(request: Request, response: Response, token: Annotated[Id, Query()]) -> OpenedCart:
    """What the link of a cart leads to, with the prices and the stock of now. The token is all that is needed."""
    resources: Resources = request.app.state.resources
    response.headers["Cache-Control"] = "no-store"
    cart_id = cart_id_of(token)
    _, cart = await resources.in_thread(find_cart, resources, cart_id)
    if resources.clock() >= cart.valid_until:
        raise Refused("cart_expired", f"The cart was valid until {cart.valid_until.isoformat()}")
    shelf = resources.champion.shelf
    items = [_opened(shelf, item.product_id, item.quantity, item.substitute_for) for item in cart.items]
    there = [item for item in items if item.available]
    return OpenedCart(
        cart_id=cart_id,
        items=items,
        total=total((item.quantity, item.price, item.currency) for item in there),
        valid_until=cart.valid_until,
    )


def cart_of(
    resources: Resources, published: PublishedReplenishment, body: CartRequest, as_of: datetime
) -> tuple[CartAnswer, Record]:
    """The answer to `body`, from what was known just before `as_of`, and what has to be logged before it is given."""
    made = _made(resources, published, body, as_of)
    words = restock_wording(body.locale)
    answer = CartAnswer(
        **dict(made.prepared.cart),
        next_shopping_day=made.shopping_day,
        sold_out=list(made.choice.sold_out),
        words=words.nothing[made.nothing or ("cart" if made.choice.lines else "not_due")],
        model=reference(published),
    )
    return answer, made.prepared.record


def find_cart(resources: Resources, cart_id: str) -> tuple[Record, PreparedCart]:
    """The record of a cart, and the cart. Raises `Refused` when there is none of this id."""
    record = resources.decisions.log.find(cart_id)
    if record is None or record.type != RESTOCK_CART:
        raise Refused("unknown_cart", "")
    return record, msgspec.json.decode(record.payload, type=PreparedCart)


async def log_carts(resources: Resources, records: Sequence[Record]) -> None:
    """All in one commit. A caller who goes away does not take back what is being written."""
    await resources.decisions.written(records)
    resources.metrics.restock_carts.add(amount=len(records))


def _made(resources: Resources, published: PublishedReplenishment, body: CartRequest, as_of: datetime) -> _Made:
    shelf, words = resources.champion.shelf, restock_wording(body.locale)
    customer = customer_of(resources.restock.histories, resources.identities, body.subject, as_of)
    nothing = nothing_because(body.subject, customer)
    choice, day = Choice(), None
    if customer is not None and not nothing:
        groups = published.model.groups
        places = resources.restock.places(groups)
        forecasts = published.model.forecast(over_groups(customer.lines, groups, places), last_day(as_of))
        choice = chosen(forecasts, groups, shelf, taught(customer.feedback(), forecasts, groups), body.max_items)
        day = None if choice.wait is None else dated(forecasts.day + choice.wait)
    now = as_of if body.as_of else resources.clock()
    return _Made(prepared(choice.lines, body.subject, day, shelf, published, words, now, "carts"), nothing, choice, day)


def _opened(shelf: Shelf, item_id: str, quantity: int, substitute_for: str | None) -> OpenedItem:
    product = shelf.products.get(item_id)
    return OpenedItem(
        item_id=item_id,
        quantity=quantity,
        available=for_sale(shelf, item_id),
        substitute_for=substitute_for,
        title=product.title if product else None,
        url=product.url if product else None,
        image_url=product.image_url if product else None,
        price=product.price if product else None,
        currency=product.currency if product else None,
    )
