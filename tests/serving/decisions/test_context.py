"""The context that is logged: every name is described, finite, and says what the events and the request say."""

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.customer_row import CustomerRow
from serving.decisions.context import CONTEXTS
from serving.decisions.deciders import NO_POLICY, POLICY_FAILED
from serving.decisions.rules import REASONS
from tests.serving.decisions.world import ask, logged, request
from tests.serving.world import NOW, Shop


def described(name: str) -> bool:
    """Whether a name is in the table, with a channel or a name of the shop's for its variable part."""
    if name in CONTEXTS or name.startswith("shop_"):
        return True
    return any(wild.endswith("_CHANNEL") and name.startswith(wild.removesuffix("CHANNEL")) for wild in CONTEXTS)


def context(shop: Shop, user: str, **more: Any) -> dict[str, float]:
    return logged(shop, ask(shop, user, **more)["decision_id"]).context


def track(shop: Shop, user: str, event: str, hours: float, **properties: Any) -> None:
    at = NOW - timedelta(hours=hours)
    shop.track(event, properties, userId=user, messageId=f"{user}-{event}-{hours}", timestamp=at.isoformat())


def test_every_name_is_described_and_every_value_finite(decider: Shop) -> None:
    track(decider, "full", "Product Added", 3, cart_id="cart-1", product_id="tea", quantity=2, price="5.00")
    track(decider, "full", "Message Sent", 30, channel="email")
    track(decider, "full", "Message Clicked", 29, channel="email")
    track(decider, "full", "Order Completed", 24 * 9, order_id="o", products=[{"product_id": "tea"}])
    numbers = {"points": 7, "vip": 1}
    told = {"cart_value": "12.50", "device": "iPhone", "numbers": numbers, "timezone": "Asia/Tokyo"}
    found = context(decider, "full", context=told)
    assert all(map(math.isfinite, found.values()))
    assert [name for name in found if not described(name)] == []
    assert found["shop_points"] == 7
    assert (found["cart_value"], found["cart_lines"], found["cart_units"], found["cart_price"]) == (12.5, 1, 2, 6.25)
    assert (found["touches_1d"], found["touches_7d"], found["touches_7d_email"]) == (0, 1, 1)
    assert (found["click_share_email"], found["open_share"], found["hours_since_touch"]) == (1.0, 0.0, 30.0)
    assert (found["recency_days"], found["is_new"], found["is_mobile"], found["zone_known"]) == (9.0, 0.0, 1.0, 1.0)
    tokyo = 2 * math.pi * 21 / 24
    assert (found["hour_sin"], found["hour_cos"]) == pytest.approx((math.sin(tokyo), math.cos(tokyo)))


def test_openings_by_machines_do_not_count(decider: Shop) -> None:
    track(decider, "proxy", "Message Sent", 30, channel="email")
    track(decider, "proxy", "Email Opened", 29, machine_open=True)
    assert context(decider, "proxy")["open_share_email"] == 0


def test_what_the_request_says_counts_before_the_events(decider: Shop) -> None:
    track(decider, "said", "Product Added", 3, cart_id="cart-1", product_id="tea", price="5.00", currency="EUR")
    track(decider, "said", "Checkout Started", 2.9, products=[{"product_id": "tea", "price": "5.00"}], currency="EUR")
    items = [{"item_id": "a", "quantity": 3}, {"item_id": "b"}]
    answer = ask(decider, "said", context={"items": items, "checkout_step": 4})
    kept = logged(decider, answer["decision_id"])
    assert kept.item_ids == ("a", "b")
    assert (kept.context["cart_units"], kept.context["checkout_step"]) == (4, 4)
    plain = logged(decider, ask(decider, "said", "cart-2", context={})["decision_id"])
    assert plain.item_ids == ("tea",)
    assert plain.context["cart_value"] == 5.0
    assert plain.terms.currency == "EUR"


def test_earlier_decisions_are_counted(decider: Shop) -> None:
    for number in range(3):
        ask(decider, "often", f"cart-{number}")
    assert context(decider, "often", trigger="cart-9")["decisions_30d"] == 3


def row(at: Any, **values: Any) -> Any:
    return lambda people, *_: ([[CustomerRow("c", values, at, at)] for _ in people], None)


def test_features_are_those_of_the_row_and_recency_goes_on(decider: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decider.resources.visitors, "features_exist", lambda: True)
    made = NOW - timedelta(days=2)
    values = {"recency_days": 5.0, "frequency": 3, "price_mean": None, "is_overdue": True}
    monkeypatch.setattr(decider.resources.visitors, "rows_of_all", row(made, **values))
    found = context(decider, "known")
    assert (found["recency_days"], found["frequency"], found["is_overdue"], found["is_new"]) == (7.0, 3.0, 1.0, 0.0)
    assert "price_mean" not in found


def test_a_row_that_knows_the_future_is_not_looked_at(decider: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decider.resources.visitors, "features_exist", lambda: True)
    monkeypatch.setattr(decider.resources.visitors, "rows_of_all", row(NOW + timedelta(days=1), frequency=9))
    assert "frequency" not in context(decider, "early")


def test_what_happened_after_the_moment_is_not_known(chance_folder: Any) -> None:
    from tests.serving.decisions.world import deciding

    with deciding(chance_folder, allow_as_of=True) as shop:
        track(shop, "then", "Message Sent", 5, channel="email")
        track(shop, "then", "Order Completed", 5, order_id="o", products=[{"product_id": "tea"}])
        as_of = (NOW - timedelta(hours=6)).isoformat()
        trigger = {"id": "t", "at": (NOW - timedelta(hours=8)).isoformat()}
        response = shop.client.post("/v1/decisions", json=request("then") | {"as_of": as_of, "trigger": trigger})
        found = logged(shop, response.json()["decision_id"]).context
    assert (found["touches_7d"], found["is_new"], found["hours_since_trigger"]) == (0, 1, 2)


def test_every_name_and_every_reason_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "deciding.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert set(CONTEXTS) <= named, set(CONTEXTS) - named
    told = {"already_sent", "superseded", "consent_withdrawn", "complained", "silence", NO_POLICY, POLICY_FAILED}
    assert told | {"features_unavailable", "features_timeout"} <= named
    times = {"quiet_hours", "legal_hours", "capped_1d", "capped_7d", "capped_30d", "min_gap", "out_of_stock"}
    assert times <= named & set(REASONS)


def test_channels_that_only_events_name_do_not_grow_what_is_learned(decider: Shop) -> None:
    track(decider, "fax", "Message Sent", 30, channel="fax")
    found = context(decider, "fax")
    assert found["touches_7d"] == 1
    assert [name for name in found if "fax" in name] == []
