"""What the service answers, as a caller sees it.

These are looser than the shapes that the service itself holds to: an unknown field is passed over, and a code is any
text. So a client goes on working when the service learns something new. A test compares the names with the OpenAPI.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all of them; what is decoded is not changed any more."""


class Subject(Answer, frozen=True, kw_only=True):
    """Whom an answer is about."""

    user_id: str | None = None
    anonymous_id: str | None = None


class Model(Answer, frozen=True, kw_only=True):
    """The registered version that answered."""

    name: str
    version: str
    alias: str


class RejectedEvent(Answer, frozen=True, kw_only=True):
    """A message that did not get in: its place in the batch, and what is wrong where."""

    index: int
    pointer: str
    code: str
    detail: str


class Accepted(Answer, frozen=True, kw_only=True):
    """What became of the events; all that are counted as accepted are on disk."""

    success: bool
    accepted: int
    duplicates: int
    ignored: int
    rejected: tuple[RejectedEvent, ...] = ()


class CatalogUpdated(Answer, frozen=True, kw_only=True):
    """How many products were new or different."""

    success: bool
    items: int
    changed: int


class Reason(Answer, frozen=True, kw_only=True):
    """Why a product is there: a code for programs, a text for people."""

    code: str
    item_id: str | None = None
    text: str


class RecommendedItem(Answer, frozen=True, kw_only=True):
    """One product; `fields` are those of the catalogue that were asked for."""

    item_id: str
    rank: int
    score: float
    source: str
    promoted: bool = False
    explored: bool = False
    propensity: float | None = None
    reasons: tuple[Reason, ...] | None = None
    fields: dict[str, str] | None = None


class RecommendationAnswer(Answer, frozen=True, kw_only=True):
    """Products for a visitor. `recommendation_id` belongs into the events about them."""

    recommendation_id: str
    placement: str
    strategy: str
    degraded: bool
    degraded_reason: str | None = None
    fallback: str | None = None
    items: tuple[RecommendedItem, ...]
    model: Model
    expires_at: datetime


class RecommendationAnswers(Answer, frozen=True, kw_only=True):
    """One answer a subject, in their order."""

    answers: tuple[RecommendationAnswer, ...]


class Action(Answer, frozen=True, kw_only=True):
    """Whether to send, and if so what, where and when; `reason` says why not."""

    send: bool
    reason: str | None = None
    channel: str | None = None
    send_at: datetime | None = None
    delay_seconds: int | None = None
    message_number: int
    messages_planned: int
    argument: str | None = None
    incentive: str | None = None


class DecisionAnswer(Answer, frozen=True, kw_only=True):
    """A decision. What it rests on, `plan`, `policy`, `alternatives` and `blocked`, is for people and stays as sent."""

    decision_id: str
    decision_point: str
    sticky: bool
    arm: str
    mode: str
    action: Action
    plan: list[dict[str, Any]] | None = None
    propensity: float
    explored: bool
    policy: dict[str, Any]
    alternatives: list[dict[str, Any]] | None = None
    blocked: list[dict[str, Any]]
    stop_on: tuple[str, ...]
    valid_until: datetime
    degraded: bool
    degraded_reason: str | None = None


class DecisionAnswers(Answer, frozen=True, kw_only=True):
    """One decision a subject, in their order."""

    answers: tuple[DecisionAnswer, ...]


class CheckAnswer(Answer, frozen=True, kw_only=True):
    """Whether the message may still be sent; if not, why, and since when that holds."""

    send: bool
    reason: str | None = None
    since: datetime | None = None


class ActivationAnswer(Answer, frozen=True, kw_only=True):
    """The activation that stands; `new` is false when an earlier one does."""

    decision_id: str
    new: bool
    sent_at: datetime
    channel: str


class Told(Answer, frozen=True, kw_only=True):
    """`new` is false for what was told before: it counts once."""

    new: bool


class ConsentAnswer(Told, frozen=True, kw_only=True):
    """`channel_known` is false where the action bank does not name the channel: the word is kept and stops nothing.

    `purpose_known` likewise, where no channel of the bank has the purpose. A service of before these fields leaves them
    out, and has taken the word all the same.
    """

    channel_known: bool = True
    purpose_known: bool = True


class AbandonedItem(Answer, frozen=True, kw_only=True):
    """One product that was left behind."""

    item_id: str
    quantity: float
    price: Decimal | None


class AbandonedTrigger(Answer, frozen=True, kw_only=True):
    """What a decision about the cart takes as `trigger`."""

    id: str
    type: str
    at: datetime


class AbandonedCart(Answer, frozen=True, kw_only=True):
    """One cart that lies abandoned; `value` is None unless all prices are known."""

    subject: Subject
    trigger: AbandonedTrigger
    value: Decimal | None
    currency: str | None
    items: tuple[AbandonedItem, ...]
    checkout_step: int | None
    started_at: datetime
    changed_at: datetime


class AbandonedAnswer(Answer, frozen=True, kw_only=True):
    """A page of carts; ask on with `next_cursor` until it is None."""

    carts: tuple[AbandonedCart, ...]
    next_cursor: str | None


class Due(Answer, frozen=True, kw_only=True):
    """The days by which it will have been bought with 10, 50 and 90 %."""

    p10: date | None
    p50: date | None
    p90: date | None


class RestockForecast(Answer, frozen=True, kw_only=True):
    """When one need comes again; `missing` says why nothing is claimed."""

    item_id: str
    group: str | None
    due: Due
    probability_due_by: dict[str, float]
    quantity: int | None
    status: str
    confidence: str
    missing: str | None = None
    evidence: dict[str, Any]
    words: str


class ForecastAnswer(Answer, frozen=True, kw_only=True):
    """What is known of one customer, the soonest first."""

    as_of: datetime
    items: tuple[RestockForecast, ...]
    next_order: Due
    words: str | None = None
    model: Model


class CartItem(Answer, frozen=True, kw_only=True):
    """One product of a prepared cart."""

    item_id: str
    quantity: int
    reason: str
    words: str
    probability: float
    substitute_for: str | None = None
    title: str | None = None
    price: Decimal | None = None
    currency: str | None = None


class Total(Answer, frozen=True, kw_only=True):
    """What a cart costs."""

    amount: Decimal
    currency: str


class Cart(Answer, frozen=True, kw_only=True):
    """A prepared cart; `link_token` is what its link carries."""

    cart_id: str
    items: tuple[CartItem, ...]
    total: Total | None
    link_token: str
    valid_until: datetime


class CartAnswer(Cart, frozen=True, kw_only=True):
    """The cart for the day on which the customer probably shops next."""

    next_shopping_day: date | None
    sold_out: tuple[str, ...] = ()
    words: str
    model: Model


class DueSend(Answer, frozen=True, kw_only=True):
    """Whether, when and where to write to a customer who is due."""

    decision_id: str
    send: bool
    reason: str | None = None
    channel: str | None = None
    send_at: datetime | None = None


class DueCustomer(Answer, frozen=True, kw_only=True):
    """One customer who is due, with a cart."""

    subject: Subject
    due_at: date
    probability: float
    cart: Cart
    send: DueSend | None = None


class DueAnswer(Answer, frozen=True, kw_only=True):
    """A page of customers; ask on with `next_cursor` until it is None."""

    customers: tuple[DueCustomer, ...]
    channels: tuple[str, ...]
    next_cursor: str | None
    as_of: datetime
    model: Model


class FeedbackAnswer(Answer, frozen=True, kw_only=True):
    """`new` is false for what was told before."""

    success: bool
    new: bool
