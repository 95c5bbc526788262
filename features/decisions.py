"""What Kairos answered, as the decision log keeps it: the payloads that training reads back."""

from datetime import date, datetime
from decimal import Decimal

import msgspec

RECOMMENDATION = "recommendation"
"""The type of the records that hold a `Shown`."""

RESTOCK_CART = "restock_cart"
"""The type of the records that hold a `PreparedCart`."""


DECISION = "decision"
"""The type of the records that hold a `Decided`."""


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

    `substitute_for` is the product that was meant when that one was not to be had; `confidence` the forecast's own.
    """

    product_id: str
    unit_id: str
    quantity: int
    probability: float
    reason: str
    substitute_for: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    confidence: str | None = None


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


class Option(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One action that was eligible, with the probability it had; silence has no channel and no labels.

    The labels and numbers are those of `models/policies/eligible.py`; `send_at` carries the customer's own offset.
    """

    probability: float
    channel: str | None = None
    send_at: datetime | None = None
    delay: str = ""
    hour: str = ""
    weekday: str = ""
    argument: str = ""
    incentive: str = ""
    delay_hours: float = 0.0
    slot_score: float = 0.0
    cost: float = 0.0
    discount: float = 0.0


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a rule took away, and which: a whole decision, a channel, an argument or an incentive of it."""

    reason: str
    channel: str | None = None
    argument: str | None = None
    incentive: str | None = None


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How the reward of a decision is counted: by what the shop's configuration said when it was made.

    `margin` is the share of an order's value that is earned, `window_hours` how long orders count after the decision;
    the last two are what a customer lost to the channel, or angered, is worth in `currency`.
    """

    margin: float
    window_hours: float
    unsubscribe_cost: float
    complaint_cost: float
    currency: str | None = None


class Came(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What came of a decision, without anybody's id: of who was erased it is kept as it was known then."""

    activated_at: datetime | None = None
    activated_channel: str | None = None
    orders: int = 0
    first_order_at: datetime | None = None
    value: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    currency: str | None = None
    foreign_orders: int = 0
    delivered: bool = False
    opened: bool = False
    opened_by_machine: bool = False
    clicked: bool = False
    clicked_by_machine: bool = False
    unsubscribed: bool = False
    complained: bool = False
    bounced: bool = False
    claimed: bool = False
    ambiguous: bool = False
    last_event_at: datetime | None = None


class Decided(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A decision; the record's key is its `decision_id`, from which the draw follows too.

    `arm` says who decided: policy, random, baseline (the shop's rule) or holdout. `propensity` is that of the option
    `chosen`, after masking. `learnable` is False where the probabilities say nothing: a holdout, a fallback for want of
    a policy or of features. `trigger_at`, the episode's start, is what delays count from. `planned` are the options
    that a preview of the series would send after `chosen`. `came` stands in a tombstone alone: of somebody who was
    erased, whose events can no longer be asked.
    """

    decision_point: str
    customer_id: str
    trigger_id: str
    trigger_type: str
    trigger_at: datetime
    step: int
    arm: str
    mode: str
    policy: str
    policy_version: str | None
    context: dict[str, float]
    options: tuple[Option, ...]
    chosen: int
    propensity: float
    terms: Terms
    valid_until: datetime
    refused: tuple[Refusal, ...] = ()
    item_ids: tuple[str, ...] = ()
    explored: bool = False
    learnable: bool = True
    would_choose: int | None = None
    planned: tuple[int, ...] = ()
    policy_alias: str | None = None
    degraded_reason: str | None = None
    timezone: str | None = None
    came: Came | None = None
