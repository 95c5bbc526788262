"""What the rules are told: the facts of one decision, out of question, situation, catalogue and action bank."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from features.carts import Cart
from features.log import microseconds, moment
from serving.bundle import Shelf
from serving.decisions.bank import Bank, Condition
from serving.decisions.budgets import Spending
from serving.decisions.context import cart_value, item_ids
from serving.decisions.facts import Facts
from serving.decisions.past import Past
from serving.decisions.question import Question
from serving.decisions.sends import Planned
from serving.decisions.situation import Situation

FEW = 5.0
"""Pieces that are left when an argument may say that there are few."""

STOPS: Mapping[str, tuple[str, ...]] = {
    "cart_abandoned": ("order_completed", "cart_emptied"),
    "checkout_abandoned": ("order_completed", "cart_emptied"),
    "browse_abandoned": ("order_completed",),
    "wishlist_abandoned": ("order_completed",),
    "restock_due": ("order_completed",),
}
"""What ends an episode, by what began it. A campaign goes on when somebody buys."""

_ORDERED = ("ordered", "recovered")
_REMEMBERED = timedelta(days=365)
_REPORTED = timedelta(hours=1)
"""Engines may tell so late that a message went out: until then one that was due is taken for sent."""


def facts_of(
    question: Question,
    situation: Situation,
    decision_id: str,
    bank: Bank,
    shelf: Shelf,
    spending: Spending,
) -> Facts:
    """The facts of a decision; what `decision_id` itself may have planned before does not count."""
    past = [one for one in situation.somebody.past if one.decision_id != decision_id]
    items = item_ids(question, situation)
    ended = ended_since(question.trigger_type, question.trigger_at, situation, question.at)
    return Facts(
        bank=bank,
        point=question.point,
        now=question.at,
        trigger_at=question.trigger_at,
        place=situation.place,
        contact=situation.contact,
        earliest=question.earliest,
        latest=question.latest,
        messages=max(question.step - 1, _messages(question, past)),
        most_messages=question.max_messages,
        channels=question.channels,
        arguments=question.arguments,
        incentives=question.incentives,
        value=cart_value(question, situation),
        true=frozenset(_true(items, situation.cart, shelf, question.context.location_id)),
        in_stock=in_stock(items, shelf, question.context.location_id),
        planned=tuple(_planned(question, past)),
        given=given(past, question.at),
        spending=spending,
        ended=ended[0] if ended else None,
    )


def ended_since(
    trigger_type: str, trigger_at: datetime, situation: Situation, at: datetime
) -> tuple[str, datetime] | None:
    """Why an episode is over and since when; None while it is not."""
    stops, cart = STOPS.get(trigger_type, ()), situation.cart
    if "order_completed" in stops:
        first = situation.orders[bisect_left(situation.orders, microseconds(trigger_at)) :][:1]
        if first and moment(first[0]) <= at:
            return "order_completed", moment(first[0])
    if "cart_emptied" in stops and cart is not None and cart.closed_at is not None:
        if cart.state in _ORDERED:
            return "order_completed", cart.closed_at
        if cart.state == "emptied":
            return "cart_emptied", cart.closed_at
    return None


def in_stock(items: Sequence[str], shelf: Shelf, location_id: str | None) -> bool:
    """Whether anything of it can be bought; what no catalogue ever told of counts as there."""
    return not items or any(_pieces(id_, shelf, location_id) > 0 for id_ in items)


def given(past: Sequence[Past], at: datetime) -> dict[str, datetime]:
    """When each incentive was last promised to somebody with these decisions."""
    late = (one for one in past if at - one.decided_at <= _REMEMBERED)
    return {one.option.incentive: one.decided_at for one in late if one.option.incentive}


def _pieces(item_id: str, shelf: Shelf, location_id: str | None) -> float:
    """How much there is of a product: infinitely much where nobody counts, none where it left the catalogue."""
    product = shelf.products.get(item_id)
    if product is None:
        return 0.0 if item_id in shelf.added else float("inf")
    if not product.in_stock:
        return 0.0
    if not product.stock:
        return float("inf")
    return product.stock.get(location_id, 0.0) if location_id else sum(product.stock.values())


def _true(items: Sequence[str], cart: Cart | None, shelf: Shelf, location_id: str | None) -> Iterator[Condition]:
    """What may be said of the products."""
    if any(0 < _pieces(id_, shelf, location_id) <= FEW for id_ in items):
        yield "low_stock"
    paid = {line.product_id: line.price for line in cart.lines} if cart else {}
    known = [product for id_ in items if (product := shelf.products.get(id_)) is not None]
    for product in known:
        before = paid.get(product.product_id)
        same = cart is not None and cart.currency in (None, product.currency)
        if product.price is not None and before is not None and same and product.price < before:
            yield "price_drop"
            break
    if known and all(
        product.attributes.get("free_returns", "").casefold() in ("true", "yes", "1") for product in known
    ):
        yield "free_returns"


def _messages(question: Question, past: Sequence[Past]) -> int:
    """How many messages other steps of this episode decided."""
    return sum(
        one.head.decision_point == question.point.name
        and one.head.trigger_id == question.trigger_id
        and one.head.step < question.step
        and one.option.channel is not None
        for one in past
    )


def _planned(question: Question, past: Sequence[Past]) -> Iterator[Planned]:
    """Messages that may go out, or just did. A newer decision about the same step has taken the place of the older."""
    last = {(one.head.decision_point, one.head.trigger_id, one.head.step): one for one in past}
    own = question.point.name, question.trigger_id, question.step
    for key, one in last.items():
        if key == own or one.head.valid_until <= question.at - _REPORTED:
            continue
        option = one.option
        over = one.head.valid_until <= question.at
        if option.channel is not None and option.send_at is not None and not (over and option.send_at > question.at):
            yield Planned(option.send_at, option.channel, one.decision_id)
