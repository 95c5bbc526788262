"""May it still be sent? Each reason by its cause, with the moment since when it holds; and nothing else stops it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.serving.decisions import told
from tests.serving.decisions.world import POINT, ask, bank, check, deciding, live, moment, of_arm
from tests.serving.world import Shop
from tests.waiting import until


@pytest.fixture
def rule(bare_folder: Path) -> Any:
    """A shop whose rule decides: a mail after 24 hours, at eleven in the morning in Berlin."""
    with deciding(bare_folder) as shop:
        yield shop


def decided(shop: Shop, user: str, trigger: str = "cart-1", **more: Any) -> str:
    """A message is decided, and it is time to send it."""
    answer = ask(shop, user, trigger, **more)
    assert answer["action"]["send"]
    shop.clock.now = moment(answer["action"]["send_at"])
    return str(answer["decision_id"])


def say(shop: Shop, event: str, user_id: str, ago: float = 0.5, **properties: Any) -> str:
    """Something happened some hours ago; when."""
    at = (shop.clock.now - timedelta(hours=ago)).isoformat()
    shop.track(event, properties, userId=user_id, messageId=f"{user_id}-{event}-{at}", timestamp=at)
    return at


@pytest.fixture
def user() -> str:
    return next(of_arm("policy", "checked"))


def test_a_message_that_nothing_speaks_against_goes_out(rule: Shop, user: str) -> None:
    assert check(rule, decided(rule, user)) == {"send": True, "reason": None, "since": None}


@pytest.mark.parametrize(
    ("event", "properties", "reason"),
    [
        ("Order Completed", {"order_id": "o1", "products": [{"product_id": "tea"}]}, "order_completed"),
        ("Unsubscribed", {"channel": "email"}, "unsubscribed"),
        ("Unsubscribed", {}, "unsubscribed"),
        ("Email Marked as Spam", {}, "complained"),
        ("Consent Changed", {"channel": "email", "consent": "withdrawn"}, "consent_withdrawn"),
        ("Message Sent", {"channel": "email", "campaign": "newsletter"}, "capped_1d"),
    ],
)
def test_what_happened_since_stops_it(
    rule: Shop, user: str, event: str, properties: dict[str, Any], reason: str
) -> None:
    decision_id = decided(rule, user)
    since = say(rule, event, user, **properties)
    answer = check(rule, decision_id)
    assert (answer["send"], answer["reason"]) == (False, reason)
    assert moment(answer["since"]) == moment(since)


def test_what_concerns_another_channel_or_another_person_does_not(rule: Shop, user: str) -> None:
    decision_id = decided(rule, user)
    say(rule, "Unsubscribed", user, channel="sms")
    say(rule, "Consent Changed", user, channel="web_push", consent="withdrawn")
    say(rule, "Order Completed", "another", order_id="o2", products=[{"product_id": "tea"}])
    say(rule, "Product Viewed", user, product_id="tea")
    assert check(rule, decision_id)["send"]


def test_an_order_before_the_cart_was_abandoned_does_not(rule: Shop, user: str) -> None:
    decision_id = decided(rule, user)
    say(rule, "Order Completed", user, ago=48, order_id="o3", products=[{"product_id": "tea"}])
    assert check(rule, decision_id)["send"]


def test_a_purchase_under_another_id_of_the_person_stops_it(rule: Shop) -> None:
    visitor = "visitor-9"
    answer = ask(rule, subject={"anonymous_id": visitor})
    if answer["action"]["send"]:
        rule.clock.now = moment(answer["action"]["send_at"])
        at = rule.clock.now.isoformat()
        rule.client.post("/v1/identify", json={"userId": "late", "anonymousId": visitor, "messageId": "x"})
        order = {"order_id": "o4", "products": [{"product_id": "tea"}]}
        rule.track("Order Completed", order, userId="late", messageId="bought", timestamp=at)
        assert check(rule, answer["decision_id"])["reason"] == "order_completed"


def test_a_cart_that_was_emptied_stops_it(rule: Shop, user: str) -> None:
    at = (rule.clock.now - timedelta(hours=3)).isoformat()
    put = {"cart_id": "c9", "product_id": "tea", "quantity": 1}
    rule.track("Product Added", put, userId=user, messageId="put", timestamp=at)
    decision_id = decided(rule, user, "c9")
    assert check(rule, decision_id)["send"]
    since = say(rule, "Product Removed", user, **put)
    answer = check(rule, decision_id)
    assert (answer["reason"], moment(answer["since"])) == ("cart_emptied", moment(since))


def test_it_is_sent_once(rule: Shop, user: str) -> None:
    decision_id = decided(rule, user)
    since = say(rule, "Message Sent", user, channel="email", decision_id=decision_id)
    answer = check(rule, decision_id)
    assert (answer["reason"], moment(answer["since"])) == ("already_sent", moment(since))


def test_a_later_decision_takes_its_place(rule: Shop, user: str) -> None:
    first = ask(rule, user)["decision_id"]
    rule.clock.now += timedelta(hours=1)
    second = ask(rule, user, step=2)["decision_id"]
    rule.clock.now = moment(ask(rule, user)["action"]["send_at"])
    answer = check(rule, first)
    assert answer["reason"] == "superseded"
    rule.clock.now = moment(ask(rule, user, step=2)["action"]["send_at"])
    assert check(rule, second)["send"]


def test_quiet_hours_of_now_stop_it(rule: Shop, user: str) -> None:
    decision_id = decided(rule, user)
    rule.clock.now = rule.clock.now.replace(hour=23)
    assert check(rule, decision_id)["reason"] == "quiet_hours"


def test_it_expires(rule: Shop, user: str) -> None:
    answer = ask(rule, user)
    rule.clock.now = moment(answer["valid_until"])
    told = check(rule, answer["decision_id"])
    assert (told["reason"], moment(told["since"])) == ("expired", moment(answer["valid_until"]))


def test_what_is_sold_out_stops_it(rule: Shop, user: str) -> None:
    decision_id = decided(rule, user, context={"items": [{"item_id": "tea"}], "timezone": "Europe/Berlin"})
    assert check(rule, decision_id)["send"]
    assert rule.client.put("/v1/catalog/items", json={"items": [{"item_id": "tea", "in_stock": False}]}).is_success
    until(lambda: "tea" in rule.resources.champion.shelf.products, "the catalogue is followed")
    assert check(rule, decision_id)["reason"] == "out_of_stock"


def test_a_point_that_was_switched_off_stops_it(chance_folder: Path, user: str) -> None:
    path = bank(chance_folder, "")
    with deciding(chance_folder, action_bank=path) as shop:
        live(shop)
        answer = ask(shop, next(name for name in of_arm("policy") if ask(shop, name)["action"]["send"]))
        bank(chance_folder, f'[points.{POINT}]\nmode = "off"\n')
        until(lambda: shop.resources.bank.now.points[POINT].mode == "off", "the bank is followed")
        assert check(shop, answer["decision_id"])["reason"] == "switched_off"


def test_silence_and_the_holdout_are_not_sent_either(decider: Shop) -> None:
    held = ask(decider, next(of_arm("holdout", "silent")))
    assert check(decider, held["decision_id"])["reason"] == "holdout"
    silent = ask(decider, "too-late", eligible={"max_messages": 0})
    assert check(decider, silent["decision_id"])["reason"] in ("max_messages", "holdout")


def test_of_two_messages_that_exclude_each_other_the_first_goes_out(rule: Shop, user: str) -> None:
    # as two workers write them, neither of whom knows of the other's
    first, second = (told.decided(rule, user, rule.clock.now, trigger_id=name) for name in ("cart-1", "cart-2"))
    rule.clock.now += timedelta(hours=1)
    assert check(rule, first)["send"]
    assert check(rule, second)["reason"] == "capped_1d"


@pytest.mark.parametrize("decision_id", ["dec_unknown", "rc_no_decision"])
def test_an_unknown_decision_is_not_found(rule: Shop, decision_id: str) -> None:
    response = rule.client.post("/v1/decisions/check", json={"decision_id": decision_id})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_decision")


def test_a_visitor_who_turns_out_to_be_of_the_holdout_gets_nothing(rule: Shop) -> None:
    held = next(of_arm("holdout", "held"))
    assert ask(rule, held, "cart-0")["arm"] == "holdout"
    rule.clock.now += timedelta(minutes=1)
    visitor = next(of_arm("policy", "anonymous:visitor")).removeprefix("anonymous:")
    answer = ask(rule, trigger="cart-1", subject={"anonymous_id": visitor})
    assert answer["action"]["send"]
    rule.clock.now = moment(answer["action"]["send_at"])
    assert check(rule, answer["decision_id"])["send"]
    rule.client.post("/v1/identify", json={"userId": held, "anonymousId": visitor, "messageId": "login"})
    assert check(rule, answer["decision_id"]) == {"send": False, "reason": "holdout", "since": None}
