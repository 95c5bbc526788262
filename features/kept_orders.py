"""What each order of one person came to, less what was returned: money that rewards are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from features.cart_lines import exactly, round_money
from features.events import Event, Line
from features.purchases import kept_lines


@dataclass(frozen=True)
class KeptOrder:
    """One order of which something was kept. `value` is what that cost before the `discount` on the order."""

    order_id: str | None
    at: datetime
    value: Decimal
    discount: Decimal
    currency: str | None


def kept_orders(events: Sequence[Event]) -> list[KeptOrder]:
    """The orders that one person kept in part at least, by time; `events` are `ORDER_EVENTS` in the order of the log.

    The goods' prices count, so a discount on the order is not taken off twice. Where a price is unknown, the total and
    the discount together do, as much of it as was kept of the quantity; without a total what is known of prices does.
    What was returned is told by the rules of `features.purchases`.
    """
    orders: dict[str | None, KeptOrder] = {}
    alone = []
    for event, kept in zip(events, kept_lines(events), strict=True):
        if not kept:
            continue
        body = event.body
        discount = max(body.discount or Decimal(0), Decimal(0))
        order = KeptOrder(body.order_id, event.occurred_at, _value(event, kept, discount), discount, body.currency)
        if body.order_id is None:
            alone.append(order)
        else:
            before = orders.get(body.order_id)
            orders[body.order_id] = order if before is None else _united(before, order)
    return sorted([*orders.values(), *alone], key=lambda order: (order.at, order.order_id or ""))


def _value(event: Event, kept: Sequence[Line], discount: Decimal) -> Decimal:
    """By which of the ways follows from the whole order, so that what is returned never makes it worth more."""
    total, lines = event.body.total, event.body.lines
    if total is None or all(line.price is not None for line in lines):
        prices = (line.price * exactly(line.quantity) for line in kept if line.price is not None)
        return round_money(sum(prices, Decimal(0)))
    whole = sum(exactly(line.quantity) for line in lines)
    part = sum(exactly(line.quantity) for line in kept)
    return round_money((total + discount) * part / whole)


def _united(left: KeptOrder, right: KeptOrder) -> KeptOrder:
    """Two reports that brought different products of one order; a discount is on the order and counts once."""
    first, second = sorted((left, right), key=lambda order: order.at)
    currency = first.currency or second.currency
    discount = max(first.discount, second.discount)
    return KeptOrder(first.order_id, first.at, first.value + second.value, discount, currency)
