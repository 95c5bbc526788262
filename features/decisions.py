"""What Kairos answered, as the decision log keeps it: the payloads that training reads back."""

from datetime import date, datetime
from decimal import Decimal

import msgspec

RECOMMENDATION = "recommendation"
"""The type of the records that hold a `Shown`."""

RESTOCK_CART = "restock_cart"
"""The type of the records that hold a `PreparedCart`."""


class ShownItem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product of an answer, in the order of the answer. `source` is the recommender that it came from.

    `propensity` is the probability with which an `explored` product stood in this answer at all, wherever; any other
    was certain.
    """

    product_id: str
    score: float
    source: str
    reason: str | None = None
    promoted: bool = False
    explored: bool = False
    propensity: float | None = None


class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer with recommendations; the record's key is its `recommendation_id`.

    `context_ids` are the products that were on the page or in the cart, `history_length` is how many interactions were
    known of the visitor. What the request asked for beside the placement's rules is kept too, as no answer can be
    explained without it: `limit`, `diversity`, `min_relevance`, `allow_fallback`, None where it said nothing.

    >>> shown = Shown(placement="home", strategy="popularity", model="recommender", model_version="1", items=())
    >>> msgspec.json.decode(msgspec.json.encode(shown), type=Shown) == shown
    True
    """

    placement: str
    strategy: str
    model: str
    model_version: str
    items: tuple[ShownItem, ...]
    context_ids: tuple[str, ...] = ()
    excluded_ids: tuple[str, ...] = ()
    category: str | None = None
    query: str | None = None
    location_id: str | None = None
    filter: str | None = None
    limit: int | None = None
    diversity: float | None = None
    min_relevance: str | None = None
    allow_fallback: bool = True
    history_length: int = 0
    fallback: str | None = None
    degraded_reason: str | None = None
    device: str | None = None
    locale: str | None = None
    timezone: str | None = None


class PreparedItem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product of a prepared cart: for which need, how many, how likely it is needed by then, and why it is there.

    `substitute_for` is the product that was meant when that one was not to be had.
    """

    product_id: str
    unit_id: str
    quantity: int
    probability: float
    reason: str
    substitute_for: str | None = None
    price: Decimal | None = None
    currency: str | None = None


class PreparedCart(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A prepared cart; the record's key is its `cart_id`, which follows from the token of its link.

    >>> cart = PreparedCart(model="replenishment", model_version="1", items=(), valid_until=datetime(2026, 12, 1))
    >>> msgspec.json.decode(msgspec.json.encode(cart), type=PreparedCart) == cart
    True
    """

    model: str
    model_version: str
    items: tuple[PreparedItem, ...]
    valid_until: datetime
    shopping_day: date | None = None
    asked_by: str = "carts"
