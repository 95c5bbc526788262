"""What the calls are told, as typed dictionaries: the shapes of the HTTP interface, and a key for what is done once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Required, TypedDict

Moment = datetime | str
Money = Decimal | str


class Keyed(TypedDict, total=False):
    """A job that may be run again gives a key of its own, e.g. `newsletter-2026-47`."""

    idempotency_key: str


class Subject(TypedDict, total=False):
    """Whom a call is about."""

    user_id: str
    anonymous_id: str


class Message(Subject, total=False):
    """What every event has. Without `message_id` one is made, so that a retry counts once."""

    message_id: str
    timestamp: Moment
    context: Mapping[str, object]


class Track(Message, total=False):
    """An event of the vocabulary in docs/event-schema.md."""

    event: Required[str]
    properties: Mapping[str, object]


class Identify(Message, total=False):
    """Who this visitor is; traits are not kept."""

    traits: Mapping[str, object]


class CartLine(TypedDict, total=False):
    """One product of a cart."""

    item_id: Required[str]
    quantity: float


class Page(TypedDict, total=False):
    """What is on the page."""

    item_ids: Sequence[str]
    cart: Sequence[CartLine]
    category: str
    query: str
    location_id: str
    page_url: str
    device: str
    locale: str
    timezone: str


class Wish(Keyed, total=False):
    """What is asked for, whoever it is for."""

    placement: str
    limit: int
    filter: str
    exclude_item_ids: Sequence[str]
    diversity: float
    min_relevance: str
    allow_fallback: bool
    include: Sequence[str]
    fields: Sequence[str]
    preview: bool
    context: Page


class Recommend(Wish, total=False):
    """Recommendations for one visitor."""

    subject: Subject


class RecommendBatch(Wish, total=False):
    """Recommendations for up to 1,000 visitors."""

    subjects: Required[Sequence[Subject]]


class Trigger(TypedDict, total=False):
    """What happened; its id makes the decision sticky."""

    id: Required[str]
    type: str
    at: Moment


class Eligible(TypedDict, total=False):
    """What the caller can send."""

    channels: Sequence[str]
    max_messages: int
    earliest: Moment
    latest: Moment
    arguments: Sequence[str]
    incentives: Sequence[str]


class Known(TypedDict, total=False):
    """What the caller knows that the events may not tell."""

    cart_value: Money
    currency: str
    items: Sequence[CartLine]
    checkout_step: int
    timezone: str
    device: str
    location_id: str
    numbers: Mapping[str, float]


class Asked(TypedDict, total=False):
    """What is asked of one customer or of all."""

    decision_point: Required[str]
    eligible: Eligible
    context: Known
    step: int
    include: Sequence[Literal["alternatives", "plan"]]
    as_of: Moment
    preview: bool


class Decide(Asked, total=False):
    """Whether, when, where and with what to write to one customer."""

    subject: Required[Subject]
    trigger: Required[Trigger]


class Audience(Subject, total=False):
    """One of many; what is left out is that of the batch."""

    trigger: Trigger
    eligible: Eligible
    context: Known
    step: int


class DecideBatch(Asked, total=False):
    """The same for up to 1,000 customers."""

    subjects: Required[Sequence[Audience]]
    trigger: Trigger


class Check(TypedDict, total=False):
    """May the message of a decision still go out?"""

    decision_id: Required[str]
    as_of: Moment


class Activate(Keyed, total=False):
    """The message of a decision went out."""

    decision_id: Required[str]
    sent_at: Moment
    channel: str
    provider_message_id: str


class Outcome(Keyed, total=False):
    """What came of a message."""

    decision_id: Required[str]
    type: Required[str]
    value: Money
    currency: str
    occurred_at: Moment
    message_id: str
    machine: bool


class Consent(Keyed, total=False):
    """Somebody agreed to a channel and a purpose, or withdrew."""

    subject: Required[Subject]
    channel: Required[str]
    consent: Required[Literal["granted", "withdrawn"]]
    purpose: str
    at: Moment


Window = TypedDict("Window", {"from": Moment | date, "to": Moment | date}, total=False)


class Abandoned(TypedDict, total=False):
    """What lies abandoned."""

    kind: str
    window: Window
    min_value: Money
    limit: int
    cursor: str | None
    as_of: Moment


class Forecast(TypedDict, total=False):
    """When a customer needs what again."""

    subject: Required[Subject]
    item_ids: Sequence[str]
    dates: Sequence[date | str]
    as_of: Moment
    locale: str


class Prepare(Keyed, total=False):
    """The prepared cart of a customer."""

    subject: Required[Subject]
    max_items: int
    as_of: Moment
    locale: str


class Line(TypedDict, total=False):
    """A product of a cart, and how many are wanted instead."""

    item_id: Required[str]
    quantity: int


class Feedback(Keyed, total=False):
    """What became of a prepared cart."""

    cart_id: Required[str]
    type: Required[Literal["edited", "rejected", "ordered"]]
    items: Sequence[Line]
    reason: str


class DueWithin(TypedDict, total=False):
    """Who needs something within a window of days."""

    window: Required[Window]
    min_probability: float
    channels: Sequence[str]
    item_ids: Sequence[str]
    category: str
    max_items: int
    limit: int
    cursor: str | None
    as_of: Moment
    locale: str
