"""Segment's and RudderStack's messages, parsed into events: the wire format that a shop's existing tracker speaks.

What an event may carry is the closed list in `events.py`. Traits, addresses, names and e-mails end here.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from features.events import CONSENTS, EVENT_TYPES, Body, Call, Event, Line, missing_fields
from features.fields import MAX_ID_LENGTH, EventRejected, amount, identifier, number, storable, text, time

MAX_LINES = 1_000
_MAX_QUANTITY = 1e9
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_CALLS = get_args(Call)
_SIGNALS = {"timezone": ("timezone",), "locale": ("locale",), "device": ("device", "type")}
_TEXTS = ("query", "category", "channel", "feedback", "feedback_reason", "consent", "purpose")
_IDS = ("order_id", "cart_id", "decision_id", "recommendation_id", "provider_message_id")


def _name(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip().casefold()))


_TRACKED = {_name(kind.segment): kind.name for kind in EVENT_TYPES.values() if kind.call == "track"}
_CALLED: dict[str, str] = {kind.call: kind.name for kind in EVENT_TYPES.values() if kind.call != "track"}


def parse(
    message: Mapping[str, Any],
    call: str | None,
    received_at: datetime,
    sent_at: datetime | None = None,
    future_tolerance: timedelta = timedelta(minutes=5),
) -> Event | None:
    """The event in `message`; None when it is outside our vocabulary, which is no error.

    `call` is the method that the message came by, None when its own `type` tells. `sent_at` (the batch's, else the
    message's own) is the sender's clock when it sent: as Segment does, the difference to `received_at` is taken off the
    event's time. Raises `EventRejected` with the pointer to what is wrong.

    >>> message = {"messageId": "m1", "event": "Product Viewed", "userId": 7, "properties": {"sku": "tea"}}
    >>> event = parse(message, "track", datetime(2026, 11, 21, tzinfo=UTC))
    >>> event.type, event.user_id, event.body.lines[0].product_id
    ('product_viewed', '7', 'tea')
    """
    event_type = _event_type(message, call)
    if event_type is None:
        return None
    user_id = identifier(message, "userId", "")
    anonymous_id = identifier(message, "anonymousId", "")
    if user_id is None and anonymous_id is None:
        raise EventRejected("/userId", "missing", "an event needs a userId or an anonymousId")
    message_id = identifier(message, "messageId", "")
    if message_id is None:
        raise EventRejected("/messageId", "missing", "an event needs a messageId, so that it counts once")
    body = _body(message, event_type)
    return Event(
        message_id=message_id,
        type=event_type,
        occurred_at=_occurred_at(message, received_at, sent_at, future_tolerance),
        received_at=received_at,
        user_id=user_id,
        anonymous_id=anonymous_id,
        body=body,
    )


def _event_type(message: Mapping[str, Any], call: str | None) -> str | None:
    given = message.get("type") if call is None else call
    if not isinstance(given, str) or given not in _CALLS:
        raise EventRejected("/type", "unknown_call", f"type must be one of {', '.join(_CALLS)}")
    if given != "track":
        return _CALLED[given]
    name = text(message, "event", "")
    if name is None:
        raise EventRejected("/event", "missing", "a track call needs the name of its event")
    return _TRACKED.get(_name(name))


def _occurred_at(
    message: Mapping[str, Any], received_at: datetime, sent_at: datetime | None, future_tolerance: timedelta
) -> datetime:
    field = "timestamp" if message.get("timestamp") is not None else "originalTimestamp"
    occurred_at = time(message, field, "")
    if occurred_at is None:
        return received_at
    sent_at = sent_at or time(message, "sentAt", "")
    if sent_at is not None and message.get("receivedAt") is None:  # an archive's times were corrected long ago
        try:
            occurred_at = received_at - (sent_at - occurred_at)
        except OverflowError:
            raise EventRejected(f"/{field}", "invalid_time", "the time lies outside the calendar") from None
    if occurred_at > received_at + future_tolerance:
        raise EventRejected(f"/{field}", "in_future", "the event lies in the future; is the sender's clock right?")
    if occurred_at < _EARLIEST:
        raise EventRejected(f"/{field}", "invalid_time", "the event lies before 1970")
    return occurred_at


def _body(message: Mapping[str, Any], event_type: str) -> Body:
    properties = message.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, Mapping):
        raise EventRejected("/properties", "wrong_type", "properties must be an object")
    at = "/properties"
    currency = text(properties, "currency", at)
    if currency is not None and not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise EventRejected(f"{at}/currency", "invalid_currency", "currency must be an ISO 4217 code, e.g. EUR")
    total = next((name for name in ("total", "revenue", "value") if properties.get(name) not in (None, "")), "total")
    step = number(properties, "step", at) if event_type.startswith("checkout_step") else None
    said: dict[str, Any] = {
        **{name: identifier(properties, name, at) for name in _IDS},
        **{name: text(properties, name, at) for name in _TEXTS},
        **_signals(message),
    }
    body = Body(
        lines=_lines(properties),
        **said,
        machine=properties.get("machine_open") is True,
        currency=currency.upper() if currency else None,
        total=amount(properties, total, at),
        discount=amount(properties, "discount", at),
        checkout_step=None if step is None else int(step),
        rating=number(properties, "rating", at) if event_type == "product_reviewed" else None,
        previous_id=identifier(message, "previousId", ""),
        group_id=identifier(message, "groupId", ""),
    )
    if event_type == "consent_changed" and body.consent is not None and body.consent not in CONSENTS:
        raise EventRejected(f"{at}/consent", "unknown_consent", f"consent must be one of {', '.join(CONSENTS)}")
    for name in missing_fields(event_type, body):
        pointer = {
            "lines": f"{at}/products" if event_type.startswith("order") else f"{at}/product_id",
            "previous_id": "/previousId",
            "group_id": "/groupId",
        }.get(name, f"{at}/{name}")
        raise EventRejected(pointer, "missing", f"{EVENT_TYPES[event_type].segment} cannot lack this")
    return body


def _lines(properties: Mapping[str, Any]) -> tuple[Line, ...]:
    products = properties.get("products")
    if products is None:
        single = any(properties.get(name) not in (None, "") for name in ("product_id", "sku"))
        return (_line(properties, "/properties"),) if single else ()
    if not isinstance(products, list):
        raise EventRejected("/properties/products", "wrong_type", "products must be a list of objects")
    if len(products) > MAX_LINES:
        raise EventRejected("/properties/products", "too_long", f"an event has at most {MAX_LINES} products")
    return tuple(_line(product, f"/properties/products/{index}") for index, product in enumerate(products))


def _line(product: Any, at: str) -> Line:
    if not isinstance(product, Mapping):
        raise EventRejected(at, "wrong_type", "a product must be an object")
    product_id = identifier(product, "product_id", at) or identifier(product, "sku", at)
    if product_id is None:
        raise EventRejected(f"{at}/product_id", "missing", "a product needs a product_id or a sku")
    quantity = number(product, "quantity", at)
    if quantity is not None and not 0 < quantity <= _MAX_QUANTITY:
        raise EventRejected(f"{at}/quantity", "greater_than", "quantity must be above 0 and at most 1e9")
    price = amount(product, "price", at)
    if price is not None and price < 0:
        raise EventRejected(f"{at}/price", "greater_than_equal", "price must not be negative")
    return Line(
        product_id=product_id,
        quantity=1.0 if quantity is None else quantity,
        price=price,
        recommendation_id=identifier(product, "recommendation_id", at),
    )


def _signals(message: Mapping[str, Any]) -> dict[str, str]:
    """What trackers collect by themselves. Nobody typed it, so a strange value is dropped and not an error."""
    context = message.get("context")
    paths = {**_SIGNALS, "campaign": ("campaign", "name")}
    found: dict[str, str] = {}
    for field, path in paths.items():
        value = context
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and storable(value):
            found[field] = value
    return found
