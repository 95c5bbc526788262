"""What lies abandoned, over HTTP: who logs in takes it along, who bought is not in it, and pages miss nobody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.decisions.event_schemas import AbandonedRequest
from tests.serving.decisions.told import post
from tests.serving.decisions.world import bank, deciding
from tests.serving.world import NOW, Shop


def put(shop: Shop, user_id: str | None, minutes: float, event: str = "Product Added", **said: Any) -> None:
    """Something done so many minutes ago."""
    who = {"userId": user_id} if user_id else {"anonymousId": said.pop("visitor")}
    at = (shop.clock.now - timedelta(minutes=minutes)).isoformat()
    properties = {"product_id": "tea", "price": "12.50", "quantity": 2, "currency": "EUR"} | said
    shop.track(event, properties, **who, timestamp=at, messageId=f"{event} {who} {minutes}")


def left(shop: Shop, **asked: Any) -> list[Any]:
    """Everything, page by page."""
    carts: list[Any] = []
    cursor = None
    while True:
        page = post(shop, "/v1/carts/abandoned", 200, **asked, cursor=cursor)
        carts += page["carts"]
        cursor = page["next_cursor"]
        if cursor is None:
            return carts


def names(carts: list[Any]) -> list[str]:
    return [cart["subject"]["user_id"] or cart["subject"]["anonymous_id"] for cart in carts]


def test_a_cart_comes_with_what_it_takes_to_decide(decider: Shop) -> None:
    put(decider, "ann", 90, cart_id="c1")
    put(decider, "ann", 80, "Checkout Started", product_id=None)
    put(decider, "ben", 30)
    (cart,) = left(decider)
    assert cart == {
        "subject": {"user_id": "ann", "anonymous_id": None},
        "trigger": {"id": "c1", "type": "checkout_abandoned", "at": "2026-11-21T11:40:00Z"},
        "value": "25.00",
        "currency": "EUR",
        "items": [{"item_id": "tea", "quantity": 2.0, "price": "12.50"}],
        "checkout_step": 1,
        "started_at": "2026-11-21T10:30:00Z",
        "changed_at": "2026-11-21T10:40:00Z",
    }
    point = "checkout_recovery"
    asked = {"decision_point": point, "subject": {"user_id": "ann"}, "trigger": cart["trigger"]}
    assert post(decider, "/v1/decisions", 200, **asked)["decision_id"]


def test_who_bought_emptied_or_came_back_is_not_in_it_and_who_logs_in_is_the_customer(decider: Shop) -> None:
    for name in ("buys", "empties", "returns", "stays"):
        put(decider, name, 200)
    put(decider, None, 190, visitor="device")
    assert names(left(decider)) == ["buys", "empties", "returns", "stays", "device"]
    put(decider, "buys", 5, "Order Completed", order_id="o1", product_id=None, products=[{"product_id": "tea"}])
    put(decider, "empties", 5, "Product Removed")
    put(decider, "returns", 5)
    decider.client.post("/v1/identify", json={"userId": "logs-in", "anonymousId": "device"})
    assert names(left(decider)) == ["stays", "logs-in"]
    decider.clock.now += timedelta(days=7)
    assert names(left(decider)) == ["returns"]


def test_windows_values_and_kinds_are_asked_for(decider: Shop) -> None:
    put(decider, "early", 300)
    put(decider, "cheap", 200, price="1.00")
    put(decider, "late", 100)
    put(decider, "unknown", 100, price=None)
    put(decider, "looks", 100, "Product Viewed")
    put(decider, "wishes", 100, "Product Added to Wishlist")
    assert names(left(decider)) == ["early", "cheap", "late", "unknown"]
    assert names(left(decider, min_value="25.00")) == ["early", "late"]
    window = {"from": (NOW - timedelta(minutes=140)).isoformat(), "to": (NOW - timedelta(minutes=40)).isoformat()}
    assert names(left(decider, window=window)) == ["cheap"]
    assert [cart["trigger"]["type"] for cart in left(decider, kind="browse")] == ["browse_abandoned"]
    assert names(left(decider, kind="wishlist")) == ["wishes"]


def test_pages_miss_nobody_and_repeat_nobody(decider: Shop) -> None:
    for number in range(25):
        put(decider, f"u{number:02}", 100 + number % 3)
    everybody = names(left(decider))
    assert sorted(everybody) == [f"u{number:02}" for number in range(25)]
    for limit in (1, 7, 25):
        assert names(left(decider, limit=limit)) == everybody
    cursor = post(decider, "/v1/carts/abandoned", 200, limit=7)["next_cursor"]
    put(decider, everybody[8], 1, "Product Removed")
    rest = post(decider, "/v1/carts/abandoned", 200, cursor=cursor)
    assert names(rest["carts"]) == [everybody[7], *everybody[9:]]


def test_many_may_ask_while_events_come(decider: Shop) -> None:
    def act(number: int) -> None:
        if number % 2:
            put(decider, f"u{number:02}", 100 + number)
        else:
            post(decider, "/v1/carts/abandoned", 200, limit=3)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(60)))
    assert sorted(names(left(decider))) == [f"u{number:02}" for number in range(1, 60, 2)]


def test_when_a_cart_counts_as_abandoned_is_configured(decider: Shop) -> None:
    put(decider, "ann", 40)
    assert left(decider) == []
    hasty = bank(decider.folder, "[points.cart_recovery]\nidle_minutes = 20\n")
    with deciding(decider.folder, action_bank=hasty) as shop:
        assert names(left(shop)) == ["ann"]


def test_each_kind_has_the_times_of_its_own_point(decider: Shop) -> None:
    put(decider, "ann", 40)
    put(decider, "ben", 40, "Product Viewed")
    hasty = bank(decider.folder, "[points.browse]\nidle_minutes = 20\n")
    with deciding(decider.folder, action_bank=hasty) as shop:
        assert left(shop) == []
        assert names(left(shop, kind="browse")) == ["ben"]


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"limit": 0}, "/limit", "greater_than_equal"),
        ({"limit": 1001}, "/limit", "less_than_equal"),
        ({"kind": "basket"}, "/kind", "literal_error"),
        ({"min_value": "-1"}, "/min_value", "greater_than_equal"),
        ({"window": {"from": "2026-11-21"}}, "/window/from", "timezone_aware"),
        ({"cursor": "nonsense"}, "/cursor", "invalid_cursor"),
        ({"cursor": "ü"}, "/cursor", "invalid_cursor"),
        ({"who": "ann"}, "/who", "extra_forbidden"),
    ],
)
def test_garbage_is_named(shared_decider: Shop, said: dict[str, Any], pointer: str, code: str) -> None:
    problem = post(shared_decider, "/v1/carts/abandoned", 422, **said)
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["code"] in (code, "datetime_from_date_parsing", "datetime_parsing")


def test_a_cursor_belongs_to_its_question(decider: Shop) -> None:
    for number in range(3):
        put(decider, f"u{number}", 100)
    cursor = post(decider, "/v1/carts/abandoned", 200, limit=2)["next_cursor"]
    problem = post(decider, "/v1/carts/abandoned", 422, limit=2, min_value="1.00", cursor=cursor)
    assert problem["errors"][0]["code"] == "invalid_cursor"


def test_the_documented_example_is_a_request() -> None:
    example = AbandonedRequest.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    assert AbandonedRequest.model_validate(example)


def test_what_lay_abandoned_then_is_what_was_told_then(bare_folder: Path) -> None:
    """Whoever bought, emptied, came back or began since is told of as it was, page by page."""
    with deciding(bare_folder, allow_as_of=True) as shop:
        for number, name in enumerate(("buys", "empties", "returns", "stays", "cheap")):
            put(shop, name, 200 - number, price="1.00" if name == "cheap" else "12.50")
        put(shop, None, 190, visitor="device")
        put(shop, "early", 8 * 24 * 60)
        then = shop.clock.now
        before = left(shop), left(shop, limit=2), left(shop, min_value="20.00")
        assert len(before[0]) == 6
        shop.clock.now += timedelta(hours=30)
        put(shop, "buys", 5, "Order Completed", order_id="o1", product_id=None, products=[{"product_id": "tea"}])
        put(shop, "empties", 5, "Product Removed")
        put(shop, "returns", 5)
        put(shop, "begins", 90)
        asked = {"as_of": then.isoformat()}
        assert (left(shop, **asked), left(shop, limit=2, **asked), left(shop, min_value="20.00", **asked)) == before
        assert names(left(shop)) != names(before[0])


def test_as_of_is_refused_where_it_is_not_allowed_and_in_the_future(bare_folder: Path) -> None:
    with deciding(bare_folder) as shop:
        told = post(shop, "/v1/carts/abandoned", 422, as_of=(shop.clock.now - timedelta(hours=1)).isoformat())
        assert "KAIROS_ALLOW_AS_OF" in told["detail"]
    with deciding(bare_folder, allow_as_of=True) as shop:
        post(shop, "/v1/carts/abandoned", 422, as_of=(shop.clock.now + timedelta(hours=1)).isoformat())
