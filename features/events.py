"""The closed set of events: what a shop can tell us, and the one shape that every event has inside Kairos.

The vocabulary is Segment's e-commerce spec; `segment.py` parses its wire format into these objects, and
`docs/event-schema.md` is the same page as prose. To add an event, add a row to `EVENT_TYPES`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

Call = Literal["track", "identify", "alias", "page", "screen", "group"]


@dataclass(frozen=True)
class EventType:
    """One kind of event: its name in the log, the Segment call and name it arrives as, and what it cannot lack.

    `activity` is False for what says little about when the person is there: the shop acts, or a mail proxy opens.
    """

    name: str
    segment: str
    requires: tuple[str, ...] = ()
    call: Call = "track"
    activity: bool = True


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product inside an event. `price` is per unit, in the currency of the event."""

    product_id: str
    quantity: float = 1.0
    price: Decimal | None = None
    recommendation_id: str | None = None


class Body(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything about an event but who, what kind and when. Fields not listed here are dropped at the door."""

    lines: tuple[Line, ...] = ()
    order_id: str | None = None
    cart_id: str | None = None
    checkout_step: int | None = None
    currency: str | None = None
    total: Decimal | None = None
    discount: Decimal | None = None
    query: str | None = None
    category: str | None = None
    rating: float | None = None
    channel: str | None = None
    campaign: str | None = None
    decision_id: str | None = None
    recommendation_id: str | None = None
    provider_message_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    feedback: str | None = None
    feedback_reason: str | None = None
    consent: str | None = None
    purpose: str | None = None
    machine: bool = False
    timezone: str | None = None
    locale: str | None = None
    device: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened once, to one person. Times carry an offset; `message_id` makes it count once."""

    message_id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    user_id: str | None = None
    anonymous_id: str | None = None
    body: Body = msgspec.field(default_factory=Body)


RESTOCK_FEEDBACK = "restock_feedback"
CONSENTS = ("granted", "withdrawn")
"""What a change of consent may say."""

_PRODUCT = ("lines",)
_ORDER = ("order_id",)

EVENT_TYPES: dict[str, EventType] = {
    kind.name: kind
    for kind in (
        EventType("products_searched", "Products Searched", ("query",)),
        EventType("product_list_viewed", "Product List Viewed"),
        EventType("product_list_filtered", "Product List Filtered"),
        EventType("product_clicked", "Product Clicked", _PRODUCT),
        EventType("product_viewed", "Product Viewed", _PRODUCT),
        EventType("product_added", "Product Added", _PRODUCT),
        EventType("product_removed", "Product Removed", _PRODUCT),
        EventType("cart_viewed", "Cart Viewed"),
        EventType("checkout_started", "Checkout Started"),
        EventType("checkout_step_viewed", "Checkout Step Viewed"),
        EventType("checkout_step_completed", "Checkout Step Completed"),
        EventType("order_completed", "Order Completed", ("order_id", "lines")),
        EventType("order_updated", "Order Updated", _ORDER, activity=False),
        EventType("order_refunded", "Order Refunded", _ORDER, activity=False),
        EventType("order_cancelled", "Order Cancelled", _ORDER, activity=False),
        EventType("product_added_to_wishlist", "Product Added to Wishlist", _PRODUCT),
        EventType("product_removed_from_wishlist", "Product Removed from Wishlist", _PRODUCT),
        EventType("product_reviewed", "Product Reviewed", _PRODUCT),
        EventType("product_shared", "Product Shared", _PRODUCT),
        EventType("email_delivered", "Email Delivered", activity=False),
        EventType("email_opened", "Email Opened", activity=False),
        EventType("email_link_clicked", "Email Link Clicked", activity=False),
        EventType("email_bounced", "Email Bounced", activity=False),
        EventType("email_marked_as_spam", "Email Marked as Spam", activity=False),
        EventType("unsubscribed", "Unsubscribed", activity=False),
        EventType("push_notification_received", "Push Notification Received", activity=False),
        EventType("push_notification_tapped", "Push Notification Tapped", activity=False),
        EventType("push_notification_bounced", "Push Notification Bounced", activity=False),
        EventType("message_sent", "Message Sent", ("channel",), activity=False),
        EventType("message_delivered", "Message Delivered", ("channel",), activity=False),
        EventType("message_opened", "Message Opened", ("channel",), activity=False),
        EventType("message_clicked", "Message Clicked", ("channel",), activity=False),
        EventType("message_bounced", "Message Bounced", ("channel",), activity=False),
        EventType("message_marked_as_spam", "Message Marked as Spam", ("channel",), activity=False),
        EventType("message_converted", "Message Converted", ("decision_id",), activity=False),
        EventType("consent_changed", "Consent Changed", ("channel", "consent"), activity=False),
        EventType("recommendation_viewed", "Recommendation Viewed", ("recommendation_id",), activity=False),
        EventType("recommendation_clicked", "Recommendation Clicked", ("recommendation_id", "lines"), activity=False),
        EventType(RESTOCK_FEEDBACK, "Restock Feedback", ("cart_id", "feedback", "lines"), activity=False),
        EventType("identified", "identify", call="identify"),
        EventType("aliased", "alias", ("previous_id",), call="alias", activity=False),
        EventType("page_viewed", "page", call="page"),
        EventType("screen_viewed", "screen", call="screen"),
        EventType("grouped", "group", ("group_id",), call="group", activity=False),
    )
}

INTERACTION_WEIGHTS: dict[str, float] = {
    "order_completed": 1.0,
    "product_added": 0.3,
    "product_added_to_wishlist": 0.3,
    "product_viewed": 0.1,
    "product_clicked": 0.1,
}
"""How much one line of an event says that the person wants the product. The only place where this is decided."""


def missing_fields(event_type: str, body: Body) -> tuple[str, ...]:
    """Fields that an event of this type cannot lack, and this body lacks.

    >>> missing_fields("order_completed", Body(order_id="17"))
    ('lines',)
    """
    return tuple(name for name in EVENT_TYPES[event_type].requires if not getattr(body, name))
