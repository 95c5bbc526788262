"""Carts out of events: active, idle, abandoned, then recovered or expired; what was only viewed or wished for likewise.

A cart is a fold over the events of one person in the order in which they happened, so whatever comes late changes the
past as if it had come in time, and nothing depends on when it was asked before. Where the events leave a choice, the
one is taken that never reminds somebody of what they have.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from features.cart_kinds import CART, Kind, KindName
from features.cart_lines import CartLine, worth
from features.cart_lives import Life, State, lives
from features.events import Event
from features.log import Record

Stage = Literal["cart", "checkout", "browse", "wishlist"]

IDLE = timedelta(minutes=60)
"""After so long without the person a cart is abandoned."""

TTL = timedelta(days=7)
"""So long after it was abandoned a cart expires."""

_NEVER = 2**63


@dataclass(frozen=True)
class Cart:
    """One cart, from when something was put in until it was ordered, emptied or expired.

    active: touched within `idle`; idle: it rests while the person still looks around; abandoned: the person has been
    gone for `idle`, and only touching the cart makes it active again. It ends as ordered, or recovered when it had been
    abandoned before; emptied, by hand; or expired, `ttl` after it was abandoned.

    `cart_id` is what the shop called it first, or follows from the event that began it; it is the person's only one:
    when a shop goes on using an id, its next cart is `id#2`. `lines` are in the order in which they came, of a closed
    cart as they were just before. `value` is None unless all prices are known, in one `currency`. `abandoned_at` is
    when it last became abandoned, None when it never was; `seen_at` is when the person was last seen before that.
    `ordered_by` is the order that ended it.
    """

    cart_id: str
    kind: KindName
    state: State
    lines: tuple[CartLine, ...]
    value: Decimal | None
    currency: str | None
    checkout_step: int | None
    started_at: datetime
    changed_at: datetime
    seen_at: datetime
    abandoned_at: datetime | None = None
    closed_at: datetime | None = None
    ordered_by: str | None = None

    @property
    def open(self) -> bool:
        """Whether there is still something in it to be bought."""
        return self.closed_at is None

    @property
    def stage(self) -> Stage:
        """How far it came: one in which the checkout had begun is a `checkout`."""
        return self.kind if self.checkout_step is None else "checkout"

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The products in it."""
        return tuple(line.product_id for line in self.lines)


def carts_of(
    events: Iterable[Event], now: datetime, idle: timedelta = IDLE, ttl: timedelta = TTL, kind: Kind = CART
) -> list[Cart]:
    """Every cart of one person until `now`, oldest first; only the last one can still be open.

    `events` are the person's, of any types and in any order, each message id counting once; what happened after `now`
    waits. Of several reports of one order the earliest counts. A cancelled or refunded order brings no cart back, and a
    partial one leaves the rest as a cart of its own. Visitor's and customer's carts are one, by the larger quantity.
    """
    known = {event.message_id: event for event in events if event.occurred_at <= now}
    names: Counter[str] = Counter()
    carts = []
    for life in lives(known.values(), now, idle, ttl, kind):
        names[_name(life, kind)] += 1
        carts.append(_cart(life, kind, names[_name(life, kind)]))
    return carts


def telling(records: Sequence[Record], kind: Kind = CART) -> list[Record]:
    """The records of one person's events that can change a cart of this kind, of records of the types that it has.

    Orders of before anything was put in could end none. They are most of what shops know of people, and the largest:
    those that join no device with an account need not be decoded, unless a later order may be another report of them.
    """
    filled = [record.occurred_at for record in records if record.type in kind.fills or record.type in kind.tells]
    begins = min(filled, default=_NEVER)
    if any(record.type == "order_completed" and record.occurred_at >= begins for record in records):
        return list(records)
    return [
        record
        for record in records
        if record.type != "order_completed" or (record.user_id is not None and record.anonymous_id is not None)
    ]


def grown_older(cart: Cart, now: datetime, idle: timedelta = IDLE, ttl: timedelta = TTL) -> Cart:
    """A cart as it is at `now` when nothing has happened since it was read."""
    gone_at = cart.seen_at + idle
    if cart.closed_at is not None:
        return cart
    if gone_at + ttl <= now:
        return replace(cart, state="expired", abandoned_at=gone_at, closed_at=gone_at + ttl)
    if gone_at <= now:
        return replace(cart, state="abandoned", abandoned_at=gone_at)
    return replace(cart, state="idle" if cart.changed_at + idle <= now else "active")


def _name(life: Life, kind: Kind) -> str:
    """The shop's id; else one that follows from the event which began the cart."""
    if life.name is not None and kind.name == "cart":
        return life.name
    return f"{kind.name}_{hashlib.blake2b(life.began_by.encode(), digest_size=12).hexdigest()}"


def _cart(life: Life, kind: Kind, nth: int) -> Cart:
    value, currency = worth(life.lines)
    name = _name(life, kind)
    return Cart(
        cart_id=name if nth == 1 else f"{name}#{nth}",
        kind=kind.name,
        state=life.state,
        lines=life.lines,
        value=value,
        currency=currency,
        checkout_step=life.checkout_step,
        started_at=life.started_at,
        changed_at=life.changed_at,
        seen_at=life.seen_at,
        abandoned_at=life.abandoned_at,
        closed_at=life.closed_at,
        ordered_by=life.ordered_by,
    )
