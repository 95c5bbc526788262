"""One customer on one page: what the use cases would answer, in no log, and nothing of whom nothing may be told."""

from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from models.evidence import Evidence, Snapshot
from models.published import CHALLENGER
from models.registry import Registry
from serving.reports import visitor as use_case
from serving.reports.visitor_schemas import PARTS
from tests.serving.restock.world import WEEKLY
from tests.serving.world import DRINKER, FEATURES, NOW, Shop, bearing, data, make_key, running, suite
from tests.waiting import PATIENCE, until

HOSTILE = '<script>alert("x")</script>'


def look(shop: Shop, user_id: str | None = DRINKER, **request: Any) -> Any:
    subject = request.pop("subject", {"user_id": user_id})
    response = shop.client.post("/v1/reports/visitor", json={"subject": subject, **request})
    assert response.status_code == 200, response.text
    return response.json()


def positions(shop: Shop) -> tuple[int, int]:
    return shop.resources.events.log.last_position(), shop.resources.decisions.log.last_position()


def decide(shop: Shop, user_id: str, **request: Any) -> Any:
    body = {
        "decision_point": "cart_recovery",
        "subject": {"user_id": user_id},
        "trigger": {"id": "cart_1", "type": "cart_abandoned", "at": (NOW - timedelta(hours=2)).isoformat()},
        "context": {"timezone": "Asia/Tokyo", "cart_value": "20.00", "currency": "EUR"},
        "include": ["alternatives"],
        **request,
    }
    response = shop.client.post("/v1/decisions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def agree(shop: Shop, user_id: str, channel: str = "email", **fields: Any) -> None:
    body = {"subject": {"user_id": user_id}, "channel": channel, "consent": "granted", **fields}
    response = shop.client.post("/v1/consents", json=body)
    assert response.status_code in (200, 202), response.text


@pytest.mark.parametrize("placement", ["home", "email", "buy_again", "trending"])
def test_the_preview_is_what_the_use_case_answers(shared: Shop, placement: str) -> None:
    told = look(shared, placement=placement)["recommendations"]["champion"]
    asked = shared.recommend(subject={"user_id": DRINKER}, placement=placement, preview=True, context={"locale": None})
    for name in ("item_id", "rank", "score", "source"):
        assert [item[name] for item in told["items"]] == [item[name] for item in asked["items"]]
    assert [item["reasons"] for item in told["items"]] == [
        [reason["text"] for reason in item["reasons"]] for item in asked["items"]
    ]
    assert told["model"] == asked["model"]


def test_the_past_that_speaks_for_an_item_is_named_with_its_share(shared: Shop) -> None:
    items = look(shared, placement="home")["recommendations"]["champion"]["items"]
    speaking = [item["contributions"] for item in items if item["contributions"]]
    assert speaking
    for contributions in speaking:
        shares = [one["share"] for one in contributions]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1.001
        assert all(one["title"] for one in contributions)


def test_the_forecast_and_the_cart_are_what_the_use_cases_answer(restock_shared: Shop) -> None:
    name = WEEKLY[3]
    told = look(restock_shared, name, parts=["forecast", "cart"], locale="ru")
    body = {"subject": {"user_id": name}, "locale": "ru"}
    forecast = restock_shared.client.post("/v1/restock/forecast", json=body).json()
    assert {**told["forecast"], "as_of": None} == {**forecast, "as_of": None}
    assert forecast["items"]
    cart = restock_shared.client.post("/v1/restock/carts", json=body).json()
    assert told["cart"]["items"] == cart["items"]
    assert told["cart"]["total"] == cart["total"]
    assert "link_token" not in told["cart"]


def test_looking_leaves_nothing_in_the_logs_but_that_somebody_looked(restock_shop: Shop) -> None:
    before = positions(restock_shop)
    told = look(restock_shop, WEEKLY[2])
    assert told["missing"] == {}
    assert positions(restock_shop) == before
    (done,) = restock_shop.resources.acts.latest(10)
    assert (done.act, done.role) == ("looked", "key")
    assert WEEKLY[2] not in f"{done}"
    look(restock_shop, WEEKLY[2])
    assert len(restock_shop.resources.acts.latest(10)) == 1
    look(restock_shop, WEEKLY[4])
    assert len(restock_shop.resources.acts.latest(10)) == 2


def test_merged_ids_are_told_with_the_moment_of_joining_and_lead_to_the_same_person(shop: Shop) -> None:
    at = NOW - timedelta(hours=3)
    shop.track("Product Viewed", {"product_id": "milk"}, anonymousId="phone-7")
    shop.client.post("/v1/identify", json={"anonymousId": "phone-7", "userId": DRINKER, "timestamp": at.isoformat()})
    by_user, by_device = look(shop), look(shop, subject={"anonymous_id": "phone-7"})
    for told in (by_user, by_device):
        assert told["customer_id"] == DRINKER
        ids = {(one["kind"], one["id"]): one["since"] for one in told["ids"]}
        assert ids.keys() == {("user", DRINKER), ("anonymous", "phone-7")}
        assert ids["user", DRINKER] is None
        assert ids["anonymous", "phone-7"].startswith("2026-11-21T09:00")
    assert by_user["events"] == by_device["events"]


def test_events_are_the_latest_first_in_the_time_of_the_person(shop: Shop) -> None:
    context = {"timezone": "Asia/Tokyo"}
    shop.track("Product Viewed", {"product_id": "milk"}, userId=DRINKER, context=context, timestamp=NOW.isoformat())
    events = look(shop)["events"]
    assert events[0]["type"] == "product_viewed"
    assert events[0]["at"].endswith("+09:00")
    assert events[0]["items"] == [{"item_id": "milk", "title": "Milk", "quantity": 1.0}]
    times = [event["at"] for event in events]
    assert times == sorted(times, reverse=True)


def test_a_decision_is_told_with_every_option_and_every_refusal(shop: Shop) -> None:
    agree(shop, DRINKER)
    answer = decide(shop, DRINKER)
    (told,) = look(shop)["decisions"]
    assert told["decision_id"] == answer["decision_id"]
    assert told["open"] is True
    assert told["blocked"] == answer["blocked"]
    assert sum(option["probability"] for option in told["options"]) == pytest.approx(1)
    (chosen,) = [option for option in told["options"] if option["chosen"]]
    assert chosen["probability"] == told["propensity"] == answer["propensity"]
    assert told["outcome"]["orders"] == 0
    order = {
        "order_id": "after",
        "products": [{"product_id": "milk", "price": "2.50", "quantity": 2}],
        "currency": "EUR",
    }
    shop.track("Order Completed", order, userId=DRINKER, timestamp=(NOW + timedelta(minutes=5)).isoformat())
    shop.clock.now = NOW + timedelta(hours=1)
    (told,) = look(shop)["decisions"]
    assert told["outcome"]["orders"] == 1
    assert float(told["outcome"]["value"]) == 5


def test_who_withdrew_personalization_is_shown_what_a_stranger_is(shop: Shop) -> None:
    shop.client.post(
        "/v1/consents",
        json={
            "subject": {"user_id": DRINKER},
            "channel": "email",
            "purpose": "personalization",
            "consent": "withdrawn",
        },
    )
    until(lambda: look(shop)["contact"]["personalization_withdrawn"], "the withdrawal is known")
    told = look(shop)
    stranger = shop.recommend(placement="home", preview=True)
    assert told["recommendations"]["impersonal"] is True
    shown = told["recommendations"]["champion"]["items"]
    assert [item["item_id"] for item in shown] == [item["item_id"] for item in stranger["items"]]
    assert not any(item["contributions"] for item in shown)


def test_of_somebody_suppressed_nothing_is_told(shop: Shop) -> None:
    agree(shop, DRINKER)
    decide(shop, DRINKER)
    shop.client.post("/v1/privacy/suppress", json={"subject": {"user_id": DRINKER}, "suppressed": True})
    told = look(shop)
    assert told["suppressed"] is True
    assert told["ids"] == []
    assert told["customer_id"] is None
    assert told["missing"] == dict.fromkeys(PARTS, "suppressed")
    assert all(told[part] is None for part in PARTS)


def test_an_id_of_which_nothing_is_known_is_said_to_be_unknown(shared: Shop) -> None:
    told = look(shared, "nobody-ever")
    assert told["known"] is False
    assert told["events"] == []
    assert told["decisions"] == []
    assert look(shared)["known"] is True


def test_a_subject_needs_an_id(shared: Shop) -> None:
    response = shared.client.post("/v1/reports/visitor", json={"subject": {}})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/subject"


def test_as_of_is_refused_where_no_setting_allows_it(shared: Shop) -> None:
    body = {"subject": {"user_id": DRINKER}, "as_of": (NOW - timedelta(days=7)).isoformat()}
    assert shared.client.post("/v1/reports/visitor", json=body).status_code == 422


def test_as_of_shows_the_past_and_no_recommendations_of_now(folder: Path) -> None:
    with running(folder, allow_as_of=True) as shop:
        told = look(shop, as_of=(NOW - timedelta(days=20)).isoformat())
    assert told["events"]
    assert all(event["at"] < (NOW - timedelta(days=20)).isoformat() for event in told["events"])
    assert told["missing"]["recommendations"] == "only_now"


def test_a_part_that_is_slow_or_broken_leaves_the_others_there(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    held = Event()
    monkeypatch.setattr(use_case, "events_of", broken)
    monkeypatch.setattr(use_case, "decisions_of", lambda *_: held.wait(PATIENCE))
    monkeypatch.setattr(use_case, "SECONDS", 1.0)
    missing = {"events": "failed", "decisions": "too_slow", "forecast": "no_model", "cart": "no_model"}

    def others_are_there() -> bool:
        """Of a machine that sleeps for so long, others are too slow for once as well."""
        held.clear()
        told = look(shop)
        held.set()
        assert told["missing"]["decisions"] == "too_slow"
        if told["missing"] != missing:
            return False
        assert told["recommendations"]["champion"]["items"]
        return told["contact"] is not None

    until(others_are_there, "what hangs is missing, and what is broken, and nothing else")


def test_only_a_key_that_may_see_customers_looks(shared: Shop) -> None:
    for kind, scopes in (("sk", None), ("pk", None), ("adm", ["reports:read"])):
        told = {"scopes": scopes} if scopes else {}
        key = make_key(shared.folder, kind, **told)  # type: ignore[arg-type]
        shared.resources.guard.ring.refresh()
        response = shared.client.post(
            "/v1/reports/visitor", json={"subject": {"user_id": DRINKER}}, headers=bearing(key)
        )
        assert response.status_code == 403, (kind, response.text)


def test_the_challenger_stands_beside_the_champion_and_differences_are_marked(folder: Path) -> None:
    with running(folder) as shop:
        assert look(shop)["recommendations"]["side"] == "same"
        registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))
        learned, recipe = data(folder), suite(0.01)
        snapshot = Snapshot("s", "0", NOW - timedelta(days=70), NOW, 1, 1, 1)
        fresh = registry.publish(
            "recommender", recipe, recipe.fit(learned), FEATURES, Evidence({}, {}, snapshot), CHALLENGER
        )
        until(lambda: look(shop)["recommendations"]["side"] == "ready", "the challenger is loaded")
        told = look(shop, placement="home")["recommendations"]
        assert told["challenger"]["model"] == {"name": "recommender", "version": fresh.number, "alias": CHALLENGER}
        first, second = ({item["item_id"] for item in told[side]["items"]} for side in ("champion", "challenger"))
        for side, other in (("champion", second), ("challenger", first)):
            for item in told[side]["items"]:
                assert item["in_both"] is (item["item_id"] in other)
        assert shop.resources.decisions.log.last_position() == 0


def test_ids_and_titles_come_back_as_they_are(shop: Shop) -> None:
    shop.client.put("/v1/catalog/items", json={"items": [{"item_id": HOSTILE, "title": HOSTILE}]})
    shop.track("Product Viewed", {"product_id": HOSTILE}, userId=HOSTILE)
    until(lambda: look(shop, HOSTILE)["events"][0]["items"][0]["title"] == HOSTILE, "the title is known")
    assert look(shop, HOSTILE)["customer_id"] == HOSTILE
