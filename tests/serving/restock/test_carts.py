"""Prepared carts over HTTP: chosen, logged, answered, opened by their link, and taught by what becomes of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.decisions import PreparedCart
from serving.restock.prepared import cart_id_of
from tests.serving.restock.test_forecast import buy
from tests.serving.restock.world import FOOD, ONCE, WEEKLY, live
from tests.serving.world import NOW, Shop, running

HUNGRY = WEEKLY[6]
"""Bought milk six days ago, two packs as ever."""


def cart(shop: Shop, user_id: str = HUNGRY, **request: Any) -> Any:
    response = shop.client.post("/v1/restock/carts", json={"subject": {"user_id": user_id}, **request})
    assert response.status_code == 200, response.text
    return response.json()


def say(shop: Shop, cart_id: str, type_: str, items: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    body = {"cart_id": cart_id, "type": type_, "items": items or [], **more}
    return shop.client.post("/v1/restock/carts/feedback", json=body, headers=headers)


def quantities(answer: Any) -> dict[str, int]:
    return {item["item_id"]: item["quantity"] for item in answer["items"]}


def opened(shop: Shop, token: str) -> Any:
    return shop.client.get("/v1/restock/carts", params={"token": token})


def test_a_cart_holds_what_is_due_with_prices_and_a_total(restock_shared: Shop) -> None:
    answer = cart(restock_shared)
    assert quantities(answer)["milk-a"] == 2
    milk = answer["items"][0]
    assert (milk["price"], milk["currency"], milk["title"]) == ("1.2000", "EUR", "milk-a") or milk["price"] == "1.20"
    assert milk["words"]
    assert 0 < milk["probability"] <= 1
    expected = sum(item["quantity"] * Decimal(item["price"]) for item in answer["items"])
    assert Decimal(answer["total"]["amount"]) == expected
    assert answer["total"]["currency"] == "EUR"
    assert date.fromisoformat(answer["next_shopping_day"]) > NOW.date()
    assert datetime.fromisoformat(answer["valid_until"]) >= NOW + timedelta(days=7)


def test_a_cart_is_in_the_log_before_it_is_answered_and_its_id_opens_nothing(restock_shared: Shop) -> None:
    answer = cart(restock_shared)
    record = restock_shared.resources.decisions.log.find(answer["cart_id"])
    assert (record.type, record.user_id) == ("restock_cart", HUNGRY)
    kept = msgspec.json.decode(record.payload, type=PreparedCart)
    assert {item.product_id: item.quantity for item in kept.items} == quantities(answer)
    assert answer["link_token"] not in record.payload
    assert cart_id_of(answer["link_token"]) == answer["cart_id"]
    assert opened(restock_shared, answer["cart_id"]).status_code == 404
    assert cart(restock_shared)["link_token"] != answer["link_token"]


@pytest.mark.parametrize(("user_id", "code"), [(ONCE, "not_due"), ("nobody-knows", "unknown_customer")])
def test_nothing_is_a_cart_too(restock_shared: Shop, user_id: str, code: str) -> None:
    answer = cart(restock_shared, user_id)
    assert (answer["items"], answer["total"]) == ([], None)
    assert (
        answer["words"]
        in {
            "not_due": "Nothing is needed so far that is known with enough certainty.",
            "unknown_customer": "No purchase of this customer is known.",
        }[code]
    )
    assert opened(restock_shared, answer["link_token"]).json()["items"] == []


def test_a_cart_has_at_most_as_many_items_as_asked_for(restock_shop: Shop) -> None:
    for week in range(1, 9):
        for product_id in (FOOD, "tea-1", "coffee-1"):
            buy(restock_shop, product_id, timedelta(days=7 * week), f"{product_id}-{week}", userId=HUNGRY)
    assert len(cart(restock_shop)["items"]) > 1
    (only,) = cart(restock_shop, max_items=1)["items"]
    assert only["probability"] == max(item["probability"] for item in cart(restock_shop)["items"])


def test_what_was_bought_this_moment_is_not_proposed(restock_shop: Shop) -> None:
    assert "milk-a" in quantities(cart(restock_shop))
    buy(restock_shop, "milk-b", userId=HUNGRY)
    answer = cart(restock_shop)
    chance = {item["item_id"]: item["probability"] for item in answer["items"]}
    assert chance.get("milk-b", 0) < 0.7


def test_out_of_stock_is_replaced_from_the_group_or_named(restock_shop: Shop) -> None:
    products = [{"item_id": "milk-a", "title": "milk-a", "category": "dairy/milk", "in_stock": False}]
    assert restock_shop.client.put("/v1/catalog/items", json={"items": products}).status_code == 200
    _follow(restock_shop)
    (milk,) = [item for item in cart(restock_shop)["items"] if item["item_id"].startswith("milk")]
    assert (milk["item_id"], milk["substitute_for"]) == ("milk-b", "milk-a")
    both = [{"item_id": id_, "category": "dairy/milk", "in_stock": False} for id_ in ("milk-a", "milk-b")]
    assert restock_shop.client.put("/v1/catalog/items", json={"items": both}).status_code == 200
    _follow(restock_shop)
    answer = cart(restock_shop)
    assert not {"milk-a", "milk-b"} & quantities(answer).keys()
    assert answer["sold_out"] == ["milk-a"]


def test_a_link_shows_prices_and_stock_of_now_until_it_expires(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    products = [
        {"item_id": "milk-a", "title": "Dear milk", "category": "dairy/milk", "price": "9.99", "currency": "EUR"}
    ]
    assert restock_shop.client.put("/v1/catalog/items", json={"items": products}).status_code == 200
    _follow(restock_shop)
    found = opened(restock_shop, answer["link_token"])
    assert found.headers["cache-control"] == "no-store"
    shown = {item["item_id"]: item for item in found.json()["items"]}
    assert (shown["milk-a"]["price"], shown["milk-a"]["title"]) == ("9.99", "Dear milk")
    assert found.json()["total"]["amount"] == str(
        sum(item["quantity"] * Decimal(item["price"]) for item in shown.values())
    )
    assert "subject" not in found.text
    assert HUNGRY not in found.text
    restock_shop.client.put("/v1/catalog/items", json={"items": [products[0] | {"in_stock": False}]})
    _follow(restock_shop)
    gone = {item["item_id"]: item for item in opened(restock_shop, answer["link_token"]).json()["items"]}
    assert not gone["milk-a"]["available"]
    restock_shop.clock.now = datetime.fromisoformat(answer["valid_until"])
    expired = opened(restock_shop, answer["link_token"])
    assert (expired.status_code, expired.json()["code"]) == (410, "cart_expired")
    assert answer["valid_until"][:10] in expired.json()["detail"]
    assert opened(restock_shop, "no-such-token").json()["code"] == "unknown_cart"


def test_a_rejected_need_comes_back_when_it_is_bought_again_or_after_four_weeks(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    assert say(restock_shop, answer["cart_id"], "rejected", [{"item_id": "milk-b"}]).json() == {
        "success": True,
        "new": True,
    }
    assert "milk-a" not in quantities(cart(restock_shop))
    restock_shop.clock.now = NOW + timedelta(days=27)
    for week in (1, 2, 3):  # who did not come at all for a month would have an empty cart
        buy(restock_shop, FOOD, -timedelta(days=7 * week), f"food-{week}", userId=HUNGRY)
    assert "milk-a" not in quantities(cart(restock_shop))
    restock_shop.clock.now = NOW + timedelta(days=28)
    assert "milk-a" in quantities(cart(restock_shop))
    restock_shop.clock.now = NOW + timedelta(days=10)
    assert "milk-a" not in quantities(cart(restock_shop))
    buy(restock_shop, "milk-a", -timedelta(days=3), userId=HUNGRY)
    assert "milk-a" in quantities(cart(restock_shop))


def test_a_rejection_of_the_whole_cart_is_one_of_each_item(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    assert say(restock_shop, answer["cart_id"], "rejected", reason="on holiday").status_code == 200
    assert not quantities(cart(restock_shop)).keys() & quantities(answer).keys()
    (event,) = _feedback(restock_shop)
    assert {line.product_id for line in event.lines} == quantities(answer).keys()
    assert event.feedback_reason == "on holiday"


def test_an_edited_quantity_is_the_next_one_until_purchases_speak_again(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    say(restock_shop, answer["cart_id"], "edited", [{"item_id": "milk-a", "quantity": 7}])
    assert quantities(cart(restock_shop))["milk-a"] == 7
    buy(restock_shop, "milk-a", number="first", userId=HUNGRY)
    restock_shop.clock.now = NOW + timedelta(days=7)
    assert quantities(cart(restock_shop))["milk-a"] == 7
    buy(restock_shop, "milk-a", -timedelta(days=7), "second", userId=HUNGRY)
    restock_shop.clock.now = NOW + timedelta(days=14)
    assert quantities(cart(restock_shop))["milk-a"] != 7


def test_edited_to_none_is_a_rejection(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    say(restock_shop, answer["cart_id"], "edited", [{"item_id": "milk-a", "quantity": 0}])
    assert "milk-a" not in quantities(cart(restock_shop))
    say(restock_shop, answer["cart_id"], "edited", [{"item_id": "milk-a", "quantity": 4}])
    assert quantities(cart(restock_shop))["milk-a"] == 4


def test_the_feedback_on_a_visitors_cart_follows_the_person(restock_shop: Shop) -> None:
    restock_shop.client.post("/v1/identify", json={"userId": HUNGRY, "anonymousId": "device-2"})
    device = restock_shop.client.post("/v1/restock/carts", json={"subject": {"anonymous_id": "device-2"}}).json()
    assert "milk-a" in quantities(device)
    say(restock_shop, device["cart_id"], "rejected", [{"item_id": "milk-a"}])
    assert "milk-a" not in quantities(cart(restock_shop))


def test_feedback_counts_once_also_when_it_comes_many_times_at_once(restock_shop: Shop) -> None:
    answer = cart(restock_shop)
    edit = [{"item_id": "milk-a", "quantity": 3}]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: say(restock_shop, answer["cart_id"], "edited", edit).json(), range(16)))
    assert [found["new"] for found in answers].count(True) == 1
    assert len(_feedback(restock_shop)) == 1
    say(restock_shop, answer["cart_id"], "ordered")
    assert len(_feedback(restock_shop)) == 2


def test_what_is_said_last_holds_also_when_it_was_said_before(restock_shop: Shop) -> None:
    cart_id = cart(restock_shop)["cart_id"]
    three, four = ([{"item_id": "milk-a", "quantity": quantity}] for quantity in (3, 4))
    said = [say(restock_shop, cart_id, "edited", edit).json()["new"] for edit in (three, four, four, three, three)]
    assert said == [True, True, False, True, False]
    assert quantities(cart(restock_shop))["milk-a"] == 3
    out = [{"item_id": "milk-a", "quantity": 2}, {"item_id": "milk-b", "quantity": 0}]
    assert [say(restock_shop, cart_id, "edited", edit).json()["new"] for edit in (out, out, four, out)] == [
        True,
        False,
        True,
        True,
    ]
    assert "milk-a" not in quantities(cart(restock_shop))
    other = cart(restock_shop)["cart_id"]
    assert say(restock_shop, other, "edited", out).json()["new"]


def test_a_key_makes_feedback_count_once_and_holds_to_one_body(restock_shop: Shop) -> None:
    cart_id = cart(restock_shop)["cart_id"]
    edits = [[{"item_id": "milk-a", "quantity": quantity}] for quantity in (3, 4)]
    assert say(restock_shop, cart_id, "edited", edits[0], key="k1").json()["new"]
    assert not say(restock_shop, cart_id, "edited", edits[0], key="k1").json()["new"]
    conflict = say(restock_shop, cart_id, "edited", edits[1], key="k1")
    assert (conflict.status_code, conflict.json()["code"]) == (422, "idempotency_conflict")
    assert say(restock_shop, cart_id, "edited", edits[1], key="k2").json()["new"]
    assert say(restock_shop, cart_id, "edited", edits[0], key="k3").json()["new"]
    more = [*edits[0], {"item_id": "milk-b", "quantity": 0}]
    assert say(restock_shop, cart_id, "edited", more, key="k3").status_code == 422
    assert say(restock_shop, cart_id, "edited", more[1:], key="k4").json()["new"]
    assert say(restock_shop, cart_id, "edited", more, key="k4").status_code == 422
    assert not say(restock_shop, cart_id, "edited", more[1:], key="k4").json()["new"]
    assert say(restock_shop, cart_id, "edited", more, key="k5").json()["new"]
    assert say(restock_shop, cart_id, "edited", edits[0], key="k5").status_code == 422
    assert not say(restock_shop, cart_id, "edited", more, key="k5").json()["new"]
    say(restock_shop, cart_id, "edited", edits[0], key="k6")
    assert quantities(cart(restock_shop))["milk-a"] == 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cart_id": "rc_unknown", "type": "ordered"}, 404),
        ({"cart_id": "rc_unknown", "type": "edited"}, 422),
        ({"cart_id": "rc_unknown", "type": "edited", "items": [{"item_id": "milk-a"}]}, 422),
        ({"cart_id": "rc_unknown", "type": "thrown"}, 422),
        ({"cart_id": "rc_unknown", "type": "edited", "items": [{"item_id": "milk-a", "quantity": -1}]}, 422),
        ({"cart_id": "rc_unknown", "type": "edited", "items": [{"item_id": "milk-a", "quantity": 1.5}]}, 422),
    ],
)
def test_feedback_that_says_nothing_is_a_problem(restock_shared: Shop, body: dict[str, Any], status: int) -> None:
    response = restock_shared.client.post("/v1/restock/carts/feedback", json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_recommendation_is_no_cart(restock_shop: Shop) -> None:
    shown = restock_shop.recommend(subject={"user_id": HUNGRY}, placement="home")["recommendation_id"]
    assert say(restock_shop, shown, "ordered").json()["code"] == "unknown_cart"


def test_a_replay_is_not_logged(restock_folder: Path) -> None:
    with running(restock_folder, ready=False, allow_as_of=True) as shop:
        live(shop)
        answer = cart(shop, as_of=(NOW - timedelta(days=30)).isoformat())
        assert answer["items"]
        assert shop.resources.decisions.log.find(answer["cart_id"]) is None
        assert opened(shop, answer["link_token"]).status_code == 404
        say(shop, cart(shop)["cart_id"], "rejected", [{"item_id": "milk-a"}])
        for early in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z"):
            for path in ("/v1/restock/carts", "/v1/restock/forecast"):
                told = shop.client.post(path, json={"subject": {"user_id": WEEKLY[0]}, "as_of": early})
                assert (told.status_code, told.json()["items"]) == (200, [])


def _follow(shop: Shop) -> None:
    """What the thread does, now."""
    shop.resources.champion.follow()


def _feedback(shop: Shop) -> list[Any]:
    from features.log import from_record

    found = shop.resources.events.log.read(limit=100_000, types=("restock_feedback",))
    return [from_record(record).body for record in found]
