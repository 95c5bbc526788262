"""Forecasts over HTTP: when what is needed again, from everything until this moment, or an honest nothing."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.database import open_database
from features.log import EVENTS, Log, to_record
from models.time_to_event.durations import HORIZON
from tests.serving.restock.world import FOOD, LAPSED, ONCE, WEEKLY, live, order, publish
from tests.serving.world import NOW, Shop, running
from tests.waiting import until

TODAY = NOW.date()


def forecast(shop: Shop, user_id: str = WEEKLY[3], **request: Any) -> Any:
    response = shop.client.post("/v1/restock/forecast", json={"subject": {"user_id": user_id}, **request})
    assert response.status_code == 200, response.text
    return response.json()


def item(answer: Any, group: str) -> Any:
    (found,) = [item for item in answer["items"] if item["group"] == group]
    return found


def refused(shop: Shop, **request: Any) -> Any:
    response = shop.client.post("/v1/restock/forecast", json={"subject": {"user_id": WEEKLY[3]}, **request})
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in response.json()["errors"]]


def buy(shop: Shop, product_id: str, ago: timedelta = timedelta(0), number: str = "o", **fields: Any) -> None:
    properties = {"order_id": number, "products": [{"product_id": product_id, "quantity": 3}]}
    shop.track("Order Completed", properties, timestamp=(NOW - ago).isoformat(), messageId=number, **fields)


def test_a_regular_need_has_dates_in_order_a_quantity_and_its_evidence(restock_shared: Shop) -> None:
    answer = forecast(restock_shared)
    milk = item(answer, "dairy/milk")
    due = [date.fromisoformat(milk["due"][name]) for name in ("p10", "p50", "p90")]
    assert TODAY < due[0] <= due[1] <= due[2]
    ahead = [TODAY + timedelta(days=days) for days in (7, 14, 28)]
    chances = milk["probability_due_by"]
    assert [date.fromisoformat(when) for when in chances] == ahead
    assert 0 < chances[str(ahead[0])] < chances[str(ahead[1])] < chances[str(ahead[2])] < 1
    assert (milk["item_id"], milk["quantity"], milk["missing"]) == ("milk-a", 2, None)
    assert milk["evidence"] == {
        "purchases": 27,
        "median_interval_days": 7.0,
        "last_purchase": str(TODAY - timedelta(days=3)),
        "last_quantity": 2.0,
        "level": "customer_group",
    }
    assert milk["words"].startswith("Bought 27 times, about every 7 days, last on 2026-11-18 (2 packs).")
    assert answer["model"] == {"name": "replenishment", "version": "1", "alias": "champion"}
    assert answer["next_order"]["p50"] is not None
    soonest = [item["due"]["p50"] for item in answer["items"]]
    assert len(soonest) == 2
    assert soonest == sorted(soonest)


def test_the_words_are_russian_for_a_russian_locale(restock_shared: Shop) -> None:
    words = item(forecast(restock_shared, locale="ru-RU"), "dairy/milk")["words"]
    assert words.startswith("Куплено 27 раз, примерно раз в 7 дней, последний раз 18.11.2026 (2 шт.).")


@pytest.mark.parametrize(("customer", "missing"), [(ONCE, "one_purchase"), (LAPSED, "long_ago")])
def test_thin_evidence_claims_nothing_and_says_what_is_missing(
    restock_shared: Shop, customer: str, missing: str
) -> None:
    (found,) = forecast(restock_shared, customer)["items"]
    assert (found["status"], found["confidence"], found["missing"]) == ("unknown", "none", missing)
    assert set(found["due"].values()) == {None}
    assert (found["probability_due_by"], found["quantity"]) == ({}, None)
    assert found["words"].startswith("Bought ")
    assert found["words"] != item(forecast(restock_shared), "dairy/milk")["words"]


@pytest.mark.parametrize("subject", [{}, {"user_id": "nobody-knows"}, {"anonymous_id": "nor-this-one"}])
def test_whom_nobody_knows_has_no_items_and_is_no_error(restock_shared: Shop, subject: dict[str, str]) -> None:
    response = restock_shared.client.post("/v1/restock/forecast", json={"subject": subject})
    assert response.status_code == 200
    assert response.json()["items"] == []
    assert response.json()["words"]


def test_products_that_are_asked_for_are_answered_in_that_order_by_their_groups(restock_shared: Shop) -> None:
    asked = ["milk-b", "moon-dust", FOOD, "sold-out"]
    found = forecast(restock_shared, item_ids=asked)["items"]
    assert [item["item_id"] for item in found] == asked
    assert [item["missing"] for item in found] == [None, "no_group", None, None]
    assert found[2]["due"] == found[3]["due"]
    assert found[0]["due"] == item(forecast(restock_shared), "dairy/milk")["due"]
    (never,) = forecast(restock_shared, ONCE, item_ids=[FOOD])["items"]
    assert (never["missing"], never["status"]) == ("never_bought", "unknown")
    (stranger,) = forecast(restock_shared, "nobody-knows", item_ids=[FOOD])["items"]
    assert stranger["missing"] == "never_bought"


def test_dates_are_answered_as_asked_and_only_as_far_as_anybody_sees(restock_shared: Shop) -> None:
    first, last = TODAY + timedelta(days=1), TODAY + timedelta(days=HORIZON)
    found = item(forecast(restock_shared, dates=[str(last), str(first)]), "dairy/milk")["probability_due_by"]
    assert list(found) == [str(last), str(first)]
    assert found[str(first)] < found[str(last)]
    wrong = [str(TODAY), str(first), str(last + timedelta(days=1)), "0001-01-01"]
    assert refused(restock_shared, dates=wrong) == ["/dates/0", "/dates/2", "/dates/3"]


def test_as_of_is_refused_unless_a_setting_allows_it(restock_shared: Shop) -> None:
    assert refused(restock_shared, as_of=NOW.isoformat()) == ["/as_of"]
    assert refused(restock_shared, as_of="2026-11-01T00:00:00") == ["/as_of"]


def test_as_of_knows_nothing_of_what_came_after(restock_folder: Path) -> None:
    then = NOW - timedelta(days=60)
    with running(restock_folder, ready=False, allow_as_of=True) as shop:
        live(shop)
        before = forecast(shop, as_of=then.isoformat())
        buy(shop, "milk-a", timedelta(days=59), userId=WEEKLY[3])
        assert forecast(shop, as_of=then.isoformat()) == before
        assert item(before, "dairy/milk")["evidence"]["last_purchase"] <= str(then.date())
        assert item(forecast(shop, as_of=(then + timedelta(days=2)).isoformat()), "dairy/milk") != item(
            before, "dairy/milk"
        )
        assert refused(shop, as_of=(NOW + timedelta(days=1)).isoformat()) == ["/as_of"]
        nothing = forecast(shop, as_of=datetime(1, 1, 1, tzinfo=UTC).isoformat())
        assert nothing["items"] == []


def test_an_order_of_this_moment_and_one_that_arrives_late_are_in_the_very_next_answer(restock_shop: Shop) -> None:
    now = item(forecast(restock_shop), "dairy/milk")
    buy(restock_shop, "milk-b", userId=WEEKLY[3])
    fresh = item(forecast(restock_shop), "dairy/milk")
    assert fresh["evidence"]["purchases"] == now["evidence"]["purchases"] + 1
    assert fresh["evidence"]["last_purchase"] == str(TODAY)
    assert fresh["evidence"]["last_quantity"] == 3
    buy(restock_shop, "milk-a", timedelta(days=100), "late", userId=WEEKLY[3])
    late = item(forecast(restock_shop), "dairy/milk")
    assert late["evidence"]["purchases"] == now["evidence"]["purchases"] + 2
    assert late["evidence"]["last_purchase"] == str(TODAY)


def test_what_was_taken_back_was_not_bought(restock_shop: Shop) -> None:
    before = forecast(restock_shop)
    buy(restock_shop, "milk-b", userId=WEEKLY[3])
    assert forecast(restock_shop) != before
    restock_shop.track("Order Cancelled", {"order_id": "o"}, userId=WEEKLY[3])
    assert forecast(restock_shop) == before


def test_a_clock_that_runs_ahead_brings_no_purchase_of_tomorrow(restock_folder: Path) -> None:
    log = Log(open_database(f"sqlite:///{restock_folder / 'kairos.db'}"), EVENTS)
    with running(restock_folder, ready=False) as shop:
        live(shop)
        before = forecast(shop)
        log.append([to_record(order(WEEKLY[3], NOW + timedelta(days=30), "ahead", milk_a=1.0))])
        assert forecast(shop) == before


def test_joined_identities_are_one_customer(restock_shop: Shop) -> None:
    for week in range(4):
        buy(restock_shop, "milk-a", timedelta(days=7 * week), f"o-{week}", anonymousId="device-1")
    device = {"subject": {"anonymous_id": "device-1"}}
    as_visitor = item(restock_shop.client.post("/v1/restock/forecast", json=device).json(), "dairy/milk")
    assert as_visitor["evidence"]["purchases"] == 4
    restock_shop.client.post("/v1/identify", json={"userId": WEEKLY[3], "anonymousId": "device-1"})
    joined = restock_shop.client.post("/v1/restock/forecast", json=device).json()
    assert item(joined, "dairy/milk")["evidence"]["purchases"] == 27 + 4
    assert joined == forecast(restock_shop)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    orders=st.lists(
        st.tuples(
            st.sampled_from(["milk-a", "milk-b", FOOD, "unheard-of"]),
            st.integers(-1, 400),
            st.sampled_from([0.001, 1.0, 2.0, 17.0, 1e9]),
        ),
        max_size=8,
    ),
    number=st.integers(0, 10**9),
)
def test_any_history_gets_an_honest_answer(
    restock_shared: Shop, orders: list[tuple[str, int, float]], number: int
) -> None:
    user = f"any-{number}"
    for place, (product_id, ago, quantity) in enumerate(orders):
        properties = {
            "order_id": f"{user}-{place}",
            "products": [{"product_id": product_id, "quantity": quantity}],
        }
        at = NOW - timedelta(days=ago) if ago >= 0 else NOW + timedelta(seconds=200)
        restock_shared.track("Order Completed", properties, timestamp=at.isoformat(), userId=user)
    for found in forecast(restock_shared, user)["items"]:
        dates = [when for when in found["due"].values() if when is not None]
        assert dates == sorted(dates)
        assert all(date.fromisoformat(when) > TODAY for when in dates)
        assert all(0 <= chance <= 1 for chance in found["probability_due_by"].values())
        assert (found["status"] == "unknown") == (found["missing"] is not None) == (found["quantity"] is None)
        assert found["quantity"] is None or 1 <= found["quantity"] < 1e6
        assert found["words"]


def test_without_a_champion_the_way_out_is_named_and_recommendations_do_not_care(folder: Path) -> None:
    with running(folder) as shop:
        until(lambda: shop.resources.restock._follower.looked, "the first look is over")
        response = shop.client.post("/v1/restock/forecast", json={"subject": {"user_id": "u"}})
        assert (response.status_code, response.json()["code"]) == (503, "model_unavailable")
        assert "python -m pipelines train replenishment" in response.json()["detail"]
        assert response.headers["retry-after"]
        assert shop.client.get("/readyz").status_code == 200
        assert shop.client.get("/v1/version").json()["restock_model"] is None
        assert shop.recommend(subject={}, placement="home")["items"]


@pytest.mark.slow
def test_a_promotion_is_followed(restock_folder: Path) -> None:
    with running(restock_folder, ready=False) as shop:
        live(shop)
        publish(restock_folder)
        until(lambda: forecast(shop)["model"]["version"] == "2", "version 2 is live")
        assert shop.client.get("/v1/version").json()["restock_model"]["version"] == "2"
        assert 'kairos_model_info{name="replenishment",version="2"} 1.0' in shop.client.get("/metrics").text


def test_a_product_that_is_new_in_the_catalogue_finds_its_group(restock_shop: Shop) -> None:
    (unheard,) = forecast(restock_shop, item_ids=["milk-new"])["items"]
    assert unheard["missing"] == "no_group"
    told = {"items": [{"item_id": "milk-new", "title": "Milk, new", "category": "dairy/milk"}]}
    assert restock_shop.client.put("/v1/catalog/items", json=told).status_code == 200
    until(
        lambda: forecast(restock_shop, item_ids=["milk-new"])["items"][0]["group"] == "dairy/milk", "the group is known"
    )
