"""Segment's messages become our events: the whole vocabulary, the clock, the pointers, and what is dropped."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import EVENT_TYPES, Event, EventType
from features.fields import EventRejected
from features.log import from_record, to_record
from features.segment import MAX_LINES, parse

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ENOUGH: dict[str, Any] = {
    "products": [{"product_id": "tea", "quantity": 2, "price": "3.50"}],
    "order_id": "o1",
    "query": "green tea",
    "channel": "email",
    "recommendation_id": "rec_1",
    "cart_id": "rc_1",
    "feedback": "rejected",
    "consent": "withdrawn",
    "decision_id": "dec_1",
}


def message(event: str = "Product Viewed", **fields: Any) -> dict[str, Any]:
    given_properties = fields.pop("properties", {"product_id": "tea"})
    return {"messageId": "m1", "userId": "u1", "event": event, "properties": given_properties, **fields}


def read(wire: Mapping[str, Any], **options: Any) -> Event:
    event = parse(wire, options.pop("call", "track"), NOW, **options)
    assert event is not None
    return event


def rejection(wire: Mapping[str, Any], **options: Any) -> tuple[str, str]:
    with pytest.raises(EventRejected) as caught:
        parse(wire, options.pop("call", "track"), NOW, **options)
    return caught.value.pointer, caught.value.code


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.name)
def test_every_event_of_the_vocabulary_is_read_and_survives_the_log(kind: EventType) -> None:
    wire = message(kind.segment, properties=ENOUGH, previousId="old", groupId="g1", type=kind.call)
    event = read(wire, call=None)
    assert event.type == kind.name
    assert from_record(to_record(event)) == event
    if kind.call == "track":
        assert event.body.lines[0].price == Decimal("3.50")


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES.values() if kind.requires], ids=lambda kind: kind.name)
def test_what_an_event_cannot_lack_is_pointed_at(kind: EventType) -> None:
    for field in kind.requires:
        properties = {name: value for name, value in ENOUGH.items() if name not in (field, "products")}
        if field != "lines":
            properties["products"] = ENOUGH["products"]
        links = {"previousId": "old", "groupId": "g1"}
        links.pop({"previous_id": "previousId", "group_id": "groupId"}.get(field, ""), None)
        pointer, code = rejection(message(kind.segment, properties=properties, type=kind.call, **links), call=None)
        assert code == "missing"
        assert pointer.rsplit("/", 1)[-1] in (field, "products", "product_id", "previousId", "groupId")


@pytest.mark.parametrize("said", ["yes", "Granted", "revoked"])
def test_a_consent_is_granted_or_withdrawn_and_nothing_else(said: str) -> None:
    for known in ("granted", "withdrawn"):
        assert read(message("Consent Changed", properties=ENOUGH | {"consent": known})).body.consent == known
    wire = message("Consent Changed", properties=ENOUGH | {"consent": said})
    assert rejection(wire) == ("/properties/consent", "unknown_consent")


@pytest.mark.parametrize(("given", "machine"), [(True, True), (False, False), (None, False), ("true", False)])
def test_only_a_mail_proxy_that_is_called_so_is_one(given: object, machine: bool) -> None:
    assert read(message("Message Opened", properties=ENOUGH | {"machine_open": given})).body.machine is machine


@pytest.mark.parametrize("name", ["Order Completed", "order completed", "order_completed", " Order  Completed "])
def test_the_name_of_an_event_is_read_as_people_write_it(name: str) -> None:
    assert read(message(name, properties=ENOUGH)).type == "order_completed"


def test_what_is_outside_the_vocabulary_is_no_error() -> None:
    assert parse(message("Video Paused", properties={"quantity": -1}), "track", NOW) is None


def test_an_unknown_call_is_one() -> None:
    assert rejection(message(type="delete"), call=None) == ("/type", "unknown_call")
    assert rejection(message(type=["track"]), call=None) == ("/type", "unknown_call")


def test_null_anonymous_id_as_segments_sdk_sends_it() -> None:
    assert read(message(anonymousId=None)).anonymous_id is None


def test_an_event_of_nobody_is_rejected() -> None:
    assert rejection(message(userId=None, anonymousId="")) == ("/userId", "missing")


def test_the_message_id_is_the_callers_to_make() -> None:
    assert rejection(message(messageId=None)) == ("/messageId", "missing")


def test_the_product_is_told_by_sku_when_there_is_no_product_id() -> None:
    assert read(message(properties={"sku": 17})).body.lines[0].product_id == "17"
    both = {"products": [{"sku": "s", "product_id": "p"}]}
    assert read(message(properties=both)).body.lines[0].product_id == "p"


@pytest.mark.parametrize("quantity", [0, -1, "0", "-2.5", 1e12])
def test_a_quantity_that_is_none_is_pointed_at(quantity: Any) -> None:
    products = [{"product_id": "tea"}, {"product_id": "milk", "quantity": quantity}]
    wire = message("Order Completed", properties={"order_id": "o1", "products": products})
    assert rejection(wire) == ("/properties/products/1/quantity", "greater_than")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ([], ("/properties", "wrong_type")),
        ({"products": "tea"}, ("/properties/products", "wrong_type")),
        ({"products": ["tea"]}, ("/properties/products/0", "wrong_type")),
        ({"products": [{}]}, ("/properties/products/0/product_id", "missing")),
        ({"products": [{"product_id": "x"}] * (MAX_LINES + 1)}, ("/properties/products", "too_long")),
        ({"product_id": "tea", "price": -1}, ("/properties/price", "greater_than_equal")),
        ({"product_id": "tea", "price": "free"}, ("/properties/price", "not_a_number")),
        ({"product_id": "tea", "currency": "euros"}, ("/properties/currency", "invalid_currency")),
        ({"product_id": "x" * 257}, ("/properties/product_id", "too_long")),
    ],
)
def test_wrong_fields_are_pointed_at(properties: Any, expected: tuple[str, str]) -> None:
    assert rejection(message(properties=properties)) == expected


@pytest.mark.parametrize("field", ["total", "revenue", "value"])
def test_money_is_decimal_and_currency_upper_case(field: str) -> None:
    body = read(message("Order Completed", properties={**ENOUGH, field: "19.90", "currency": "eur"})).body
    assert (body.total, body.currency) == (Decimal("19.90"), "EUR")


def test_only_what_the_tracker_saw_by_itself_is_kept_of_the_context() -> None:
    context = {
        "ip": "203.0.113.7",
        "traits": {"email": "ivan@example.com"},
        "timezone": "Europe/Moscow",
        "locale": 7,
        "device": {"type": "mobile", "id": "ABC"},
        "campaign": {"name": "spring", "source": "x"},
    }
    event = read(message(context=context, traits={"email": "ivan@example.com", "phone": "+7"}))
    assert (event.body.timezone, event.body.device, event.body.campaign) == ("Europe/Moscow", "mobile", "spring")
    assert event.body.locale is None


@given(st.text(st.characters(categories=["L", "N"]), min_size=12, max_size=20))
def test_nothing_personal_reaches_the_log(secret: str) -> None:
    personal = {"email": secret, "firstName": secret, "phone": secret, "address": {"street": secret}}
    wire = message(
        traits=personal,
        context={"traits": personal, "ip": secret, "userAgent": secret, "page": {"url": secret}},
        properties={"product_id": "tea", **personal},
    )
    assert secret not in json.dumps(msgspec.to_builtins(to_record(read(wire))), ensure_ascii=False)


@given(st.timedeltas(timedelta(days=-300), timedelta(days=300)), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_senders_clock_does_not_matter(skew: timedelta, waited: timedelta) -> None:
    happened = NOW - waited
    wire = message(timestamp=(happened + skew).isoformat())
    assert read(wire, sent_at=NOW + skew).occurred_at == happened
    assert read({**wire, "sentAt": (NOW + skew).isoformat()}).occurred_at == happened


def test_times_without_a_senders_clock_are_taken_as_they_are() -> None:
    assert read(message()).occurred_at == NOW
    assert read(message(timestamp="2026-11-21T13:00:00+03:00")).occurred_at == NOW - timedelta(hours=2)
    assert read(message(originalTimestamp="2026-11-21T10:00:00")).occurred_at == NOW - timedelta(hours=2)


def test_the_future_is_tolerated_for_as_long_as_it_was_said() -> None:
    ahead = message(timestamp=(NOW + timedelta(minutes=5)).isoformat())
    assert read(ahead, future_tolerance=timedelta(minutes=5)).occurred_at > NOW
    assert rejection(ahead, future_tolerance=timedelta(minutes=4)) == ("/timestamp", "in_future")


@pytest.mark.parametrize("timestamp", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00"])
def test_times_before_the_epoch_are_rejected(timestamp: str) -> None:
    assert rejection(message(timestamp=timestamp)) == ("/timestamp", "invalid_time")


def test_a_clock_outside_the_calendar_is_rejected() -> None:
    wire = message(timestamp="0001-01-01T00:00:00Z")
    assert rejection(wire, sent_at=datetime(9999, 12, 31, tzinfo=UTC)) == ("/timestamp", "invalid_time")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["userId", "anonymousId", "messageId", "event", "properties", "context", "timestamp", "sentAt", "type"]
INNER = ["products", "product_id", "sku", "quantity", "price", "currency", "order_id", "total", "query", "step"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.dictionaries(st.sampled_from(INNER), JSON),
    st.sampled_from([kind.segment for kind in EVENT_TYPES.values()]),
)
def test_any_message_is_an_event_that_the_log_can_hold_or_a_rejection(
    envelope: dict[str, Any], properties: dict[str, Any], name: str
) -> None:
    wire = {**message(name, properties={**ENOUGH, **properties}), **envelope}
    try:
        found: Event | EventRejected | None = parse(wire, None if "type" in wire else "track", NOW)
    except EventRejected as rejected:
        found = rejected
    if isinstance(found, EventRejected):
        assert found.pointer.startswith("/")
    elif found is not None:
        record = to_record(found)
        assert from_record(record) == found
        assert record.payload.encode()
        assert found.occurred_at <= NOW + timedelta(minutes=5)
