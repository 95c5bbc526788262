"""A prepared cart with its prices, its link, and the record that must be on disk before anybody is told of it.

A link opens one cart for whoever holds it. Its token is random, and the id of the cart is the head of the token's
SHA-256: an id tells nothing of the token, and there is no secret to keep. The tokens of an export alone follow from a
secret, so that a rerun makes the same; it goes when the export ends well, or when what failed is dropped.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import msgspec

from features.decisions import RESTOCK_CART, PreparedCart, PreparedItem
from features.log import Record, microseconds
from models.published import PublishedReplenishment
from serving.bundle import Shelf
from serving.restock.choice import Line
from serving.restock.schemas import Cart, CartItem, Total
from serving.restock.wording import RestockWording
from serving.schemas import Subject

_VALID = timedelta(days=7)
_BYTES = 24
_DIGITS = 32


@dataclass(frozen=True)
class Prepared:
    """A cart, and what the decision log keeps of it."""

    cart: Cart
    record: Record


def cart_id_of(token: str) -> str:
    """The id of the cart that a link opens.

    >>> cart_id_of("abc")
    'rc_ba7816bf8f01cfea414140de5dae2223'
    """
    return "rc_" + hashlib.sha256(token.encode()).hexdigest()[:_DIGITS]


def prepared(
    lines: Sequence[Line],
    subject: Subject,
    shopping_day: date | None,
    shelf: Shelf,
    published: PublishedReplenishment,
    words: RestockWording,
    now: datetime,
    asked_by: str,
    drawn: bytes | None = None,
) -> Prepared:
    """The cart of `lines` for the day on which `subject` shops next, with the prices of now; valid a week longer.

    The token of its link is of 24 bytes that nobody can guess: the first of `drawn`, or of the system's when None.
    """
    token = urlsafe_b64encode((secrets.token_bytes(_BYTES) if drawn is None else drawn)[:_BYTES]).decode()
    cart_id = cart_id_of(token)
    last = max(shopping_day or now.date(), now.date()) + _VALID
    valid_until = datetime.combine(last, time(), UTC)
    items = [_item(line, shelf, words) for line in lines]
    cart = Cart(
        cart_id=cart_id,
        items=items,
        total=total((item.quantity, item.price, item.currency) for item in items),
        link_token=token,
        valid_until=valid_until,
    )
    kept = PreparedCart(
        model=published.version.name,
        model_version=published.version.number,
        items=tuple(_kept(line, item) for line, item in zip(lines, items, strict=True)),
        valid_until=valid_until,
        shopping_day=shopping_day,
        asked_by=asked_by,
    )
    record = Record(
        key=cart_id,
        type=RESTOCK_CART,
        occurred_at=microseconds(now),
        received_at=microseconds(now),
        user_id=subject.user_id,
        anonymous_id=subject.anonymous_id,
        payload=msgspec.json.encode(kept).decode(),
    )
    return Prepared(cart, record)


def total(lines: Iterable[tuple[int, Decimal | None, str | None]]) -> Total | None:
    """What quantities at their prices and currencies cost together; None where a price lacks or currencies differ.

    >>> total([(2, Decimal("1.20"), "EUR"), (1, Decimal("0.60"), "EUR")])
    Total(amount=Decimal('3.00'), currency='EUR')
    >>> total([(1, Decimal("1.20"), "EUR"), (1, None, None)])
    """
    amount = Decimal(0)
    currencies: set[str] = set()
    for quantity, price, currency in lines:
        if price is None or currency is None:
            return None
        amount += quantity * price
        currencies.add(currency)
    return Total(amount=amount, currency=currencies.pop()) if len(currencies) == 1 else None


def _item(line: Line, shelf: Shelf, words: RestockWording) -> CartItem:
    product = shelf.products.get(line.product_id)
    return CartItem(
        item_id=line.product_id,
        quantity=line.quantity,
        reason=line.reason,
        words=words.reason(line.reason, line.past),
        probability=line.probability,
        substitute_for=line.substitute_for,
        title=product.title if product else None,
        price=product.price if product else None,
        currency=product.currency if product else None,
    )


def _kept(line: Line, item: CartItem) -> PreparedItem:
    return PreparedItem(
        product_id=line.product_id,
        unit_id=line.unit_id,
        quantity=line.quantity,
        probability=line.probability,
        reason=line.reason,
        substitute_for=line.substitute_for,
        price=item.price,
        currency=item.currency,
        confidence=line.confidence,
    )
