"""What came of a message: in any order, told again, in another currency; nothing twice, nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest

from features.contact import contact_of
from serving.decisions.event_schemas import OutcomeRequest, OutcomeType
from tests.serving.decisions.told import decided, events_of, outcome_of, post
from tests.serving.world import NOW, Shop

AT = NOW - timedelta(hours=1)
FIELDS = {"converted": "claimed"}


def tell(shop: Shop, decision_id: str, type_: str, **said: Any) -> bool:
    new = post(shop, "/v1/outcomes", decision_id=decision_id, type=type_, **said)["new"]
    assert isinstance(new, bool)
    return new


@pytest.mark.parametrize("type_", get_args(OutcomeType))
def test_every_outcome_reaches_the_reward_before_its_activation_too(shared_decider: Shop, type_: str) -> None:
    id_ = decided(shared_decider, f"out-{type_}", AT)
    assert tell(shared_decider, id_, type_, occurred_at=NOW.isoformat())
    field = FIELDS.get(type_, type_)
    told = outcome_of(shared_decider, id_)
    assert getattr(told, field) is True
    assert (told.activated_at, told.last_event_at) == (None, NOW)
    others = {FIELDS.get(other, other) for other in get_args(OutcomeType)} - {field}
    assert not any(getattr(told, other) for other in others)
    post(shared_decider, "/v1/activations", decision_id=id_, sent_at=AT.isoformat())
    assert outcome_of(shared_decider, id_).activated_at == AT


def test_an_outcome_has_the_channel_by_which_the_message_went_out(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "out-1", AT, channel="email")
    tell(shared_decider, id_, "delivered")
    post(shared_decider, "/v1/activations", decision_id=id_, channel="sms")
    tell(shared_decider, id_, "unsubscribed")
    channels = {event.type: event.body.channel for event in events_of(shared_decider, "out-1")}
    assert channels == {"message_delivered": "email", "message_sent": "sms", "unsubscribed": "sms"}
    contact = contact_of(events_of(shared_decider, "out-1"), NOW)
    assert (contact.consent("sms", "carts"), contact.consent("email", "carts")) == ("withdrawn", None)


def test_an_outcome_counts_once_by_its_id_else_by_its_time_else_at_all(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "out-2", AT)
    times = [(NOW - timedelta(minutes=minutes)).isoformat() for minutes in (1, 2)]
    assert tell(shared_decider, id_, "opened", message_id="m1", occurred_at=times[0])
    assert not tell(shared_decider, id_, "opened", message_id="m1", occurred_at=times[1])
    assert tell(shared_decider, id_, "opened", message_id="m2", occurred_at=times[0])
    assert tell(shared_decider, id_, "opened", occurred_at=times[0])
    assert not tell(shared_decider, id_, "opened", occurred_at=times[0])
    assert tell(shared_decider, id_, "opened", occurred_at=times[1])
    assert tell(shared_decider, id_, "opened")
    assert not tell(shared_decider, id_, "opened")
    assert tell(shared_decider, id_, "clicked")
    assert tell(shared_decider, id_, "clicked", machine=True), "a proxy's click must not hide the person's"
    assert len(events_of(shared_decider, "out-2")) == 7


def test_the_same_outcome_told_twenty_times_at_once_is_one_event(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "out-3", AT)
    with ThreadPoolExecutor(20) as threads:
        new = list(threads.map(lambda _: tell(shared_decider, id_, "bounced", message_id="m"), range(20)))
    assert sum(new) == 1
    assert len(events_of(shared_decider, "out-3")) == 1


def test_a_mail_proxy_is_marked(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "out-4", AT)
    tell(shared_decider, id_, "opened", machine=True)
    told = outcome_of(shared_decider, id_)
    assert (told.opened, told.opened_by_machine) == (False, True)


def test_money_comes_from_orders_and_never_from_claims(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "out-5", AT)
    for currency in ("EUR", "USD", None):
        assert tell(shared_decider, id_, "converted", value="99.00", currency=currency, message_id=str(currency))
    told = outcome_of(shared_decider, id_)
    assert (told.claimed, told.value, told.orders, told.foreign_orders) == (True, 0, 0, 0)
    for number, currency in enumerate(("EUR", "USD")):
        products = [{"product_id": "tea", "price": "7.50", "quantity": 2}]
        properties = {"order_id": f"out-5-{number}", "products": products, "currency": currency}
        shared_decider.track("Order Completed", properties, userId="out-5", timestamp=NOW.isoformat())
    told = outcome_of(shared_decider, id_)
    assert (told.value, told.orders, told.foreign_orders) == (Decimal("15.00"), 1, 1)


def test_an_outcome_of_a_visitor_who_logged_in_is_the_customers(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, None, AT, visitor="out-device")
    identify = {"userId": "out-6", "anonymousId": "out-device", "timestamp": AT.isoformat()}
    assert shared_decider.client.post("/v1/identify", json=identify).status_code == 200
    tell(shared_decider, id_, "clicked")
    products = [{"product_id": "tea", "price": "7.50"}]
    shared_decider.track("Order Completed", {"order_id": "o", "products": products, "currency": "EUR"}, userId="out-6")
    told = outcome_of(shared_decider, id_)
    assert (told.customer_id, told.clicked, told.value) == ("out-6", True, Decimal("7.50"))


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"occurred_at": (NOW + timedelta(minutes=6)).isoformat()}, "/occurred_at", "in_future"),
        ({"occurred_at": (AT - timedelta(minutes=6)).isoformat()}, "/occurred_at", "before_decision"),
        ({"occurred_at": "2026-11-21T12:00:00"}, "/occurred_at", "timezone_aware"),
        ({"type": "read"}, "/type", "literal_error"),
        ({"value": "-1"}, "/value", "greater_than_equal"),
        ({"value": "1e30"}, "/value", "decimal_max_digits"),
        ({"currency": "euro"}, "/currency", "string_pattern_mismatch"),
        ({"message_id": ""}, "/message_id", "string_too_short"),
        ({"machine": "perhaps"}, "/machine", "bool_parsing"),
        ({"channel": "email"}, "/channel", "extra_forbidden"),
    ],
)
def test_garbage_is_named_and_writes_nothing(
    shared_decider: Shop, said: dict[str, Any], pointer: str, code: str
) -> None:
    id_ = decided(shared_decider, "out-7", AT)
    problem = post(shared_decider, "/v1/outcomes", 422, **({"decision_id": id_, "type": "opened"} | said))
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == (pointer, code)
    assert events_of(shared_decider, "out-7") == []


def test_an_unknown_decision_is_said_so(shared_decider: Shop) -> None:
    problem = post(shared_decider, "/v1/outcomes", 404, decision_id="dec_nobody", type="opened")
    assert problem["code"] == "unknown_decision"


def test_the_documented_example_is_a_request() -> None:
    example = OutcomeRequest.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    assert OutcomeRequest.model_validate(example)
