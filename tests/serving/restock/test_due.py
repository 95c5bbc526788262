"""Who is due over HTTP: everybody once, page by page, and nobody for what was bought this minute."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.person import Person
from features.purchases import last_day
from features.restock_table import newest
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from serving.reports.due_on import due_on
from serving.restock.customer import customer_behind
from serving.restock.due import Budget, Question, due_page
from serving.restock.history import OrderHistories
from serving.restock.taught import Taught
from serving.restock.touched import ScoredCustomers
from tests.serving.restock.test_carts import cart, opened, quantities, say
from tests.serving.restock.test_forecast import buy, forecast, item
from tests.serving.restock.world import FOOD, LAPSED, ONCE, UNTIL, WEEKLY, live, score
from tests.serving.world import NOW, Shop, running
from tests.waiting import until

TODAY = NOW.date()
WEEK = {"from": str(TODAY + timedelta(days=1)), "to": str(TODAY + timedelta(days=7))}


def due(shop: Shop, **request: Any) -> Any:
    asked = {"window": WEEK, "min_probability": 0.3} | request
    response = shop.client.post("/v1/restock/due", json=asked)
    assert response.status_code == 200, response.text
    return response.json()


def everybody(shop: Shop, limit: int = 1_000, **request: Any) -> list[Any]:
    found = []
    cursor = None
    while True:
        page = due(shop, limit=limit, cursor=cursor, **request)
        assert len(page["customers"]) <= limit
        found += page["customers"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def names(customers: list[Any]) -> list[str]:
    return [one["subject"]["user_id"] or one["subject"]["anonymous_id"] for one in customers]


def refused(shop: Shop, **request: Any) -> list[str]:
    asked = {"window": WEEK} | request
    response = shop.client.post("/v1/restock/due", json=asked)
    assert response.status_code == 422, response.text
    return [error["pointer"] for error in response.json()["errors"]]


def test_whoever_is_due_comes_with_a_day_of_the_window_and_a_cart_whose_link_opens(restock_shared: Shop) -> None:
    answer = due(restock_shared, channels=["email", "push"])
    assert names(answer["customers"]) == sorted(WEEKLY)
    assert (answer["channels"], answer["next_cursor"]) == (["email", "push"], None)
    for one in answer["customers"]:
        assert 0.3 <= one["probability"] <= 1
        assert WEEK["from"] <= one["due_at"] <= WEEK["to"]
        assert quantities(one["cart"])["milk-a"] == 2
        found = opened(restock_shared, one["cart"]["link_token"]).json()
        assert {item["item_id"] for item in found["items"]} == quantities(one["cart"]).keys()
        assert restock_shared.resources.decisions.log.find(one["cart"]["cart_id"]).user_id == one["subject"]["user_id"]


def test_the_probability_is_that_of_the_forecast(restock_shared: Shop) -> None:
    found = {one["subject"]["user_id"]: one["probability"] for one in everybody(restock_shared)}
    for user_id in (WEEKLY[0], WEEKLY[5]):
        chance = item(forecast(restock_shared, user_id), "dairy/milk")["probability_due_by"][WEEK["to"]]
        assert found[user_id] == pytest.approx(chance, abs=2e-3)


def test_a_later_window_leaves_out_what_is_due_before(restock_shared: Shop) -> None:
    later = {"from": str(TODAY + timedelta(days=8)), "to": str(TODAY + timedelta(days=14))}
    chances = [
        {
            one["subject"]["user_id"]: one["probability"]
            for one in everybody(restock_shared, window=window, item_ids=["milk-a"], min_probability=0)
        }
        for window in (WEEK, later, {"from": WEEK["from"], "to": later["to"]})
    ]
    for user_id in WEEKLY:
        assert chances[0][user_id] + chances[1][user_id] == pytest.approx(chances[2][user_id], abs=1e-3)
        assert chances[1][user_id] < chances[0][user_id]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(limit=st.integers(1, 20), least=st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.68, 0.99]))
def test_pages_of_any_size_hold_everybody_once_in_one_order(restock_shared: Shop, limit: int, least: float) -> None:
    whole = everybody(restock_shared, min_probability=least)
    paged = everybody(restock_shared, limit, min_probability=least)
    assert names(paged) == names(whole) == sorted(set(names(whole)))
    assert [one["probability"] for one in paged] == [one["probability"] for one in whole]
    assert all(one["probability"] >= least - 1e-4 for one in whole)


def test_pages_stay_complete_and_without_doubles_when_customers_buy_and_the_table_changes_in_between(
    restock_shop: Shop,
) -> None:
    expected = names(everybody(restock_shop))
    first = due(restock_shop, limit=4)
    buy(restock_shop, "milk-a", number="n0", userId=names(first["customers"])[0])
    buy(restock_shop, "milk-b", number="n1", userId=expected[-1])
    before = restock_shop.resources.restock.scored
    position = restock_shop.resources.events.log.last_position()
    score(restock_shop.folder, restock_shop.resources.restock.published().model, position, UNTIL + timedelta(minutes=1))
    until(lambda: restock_shop.resources.restock.scored is not before, "the new table is read")
    rest, cursor = [], first["next_cursor"]
    while cursor is not None:
        page = due(restock_shop, limit=3, cursor=cursor)
        rest += page["customers"]
        cursor = page["next_cursor"]
    seen = names(first["customers"]) + names(rest)
    assert len(seen) == len(set(seen))
    assert set(expected[4:-1]) <= set(seen)


def test_whoever_bought_this_minute_is_forecast_anew(restock_shop: Shop) -> None:
    late = {"from": WEEK["from"], "to": str(TODAY + timedelta(days=2))}
    asked = {"window": late, "min_probability": 0.2, "item_ids": ["milk-b"]}
    eager = WEEKLY[6]
    assert eager in names(everybody(restock_shop, **asked))
    for _ in range(2):
        buy(restock_shop, "milk-b", userId=eager)
        found = {one["subject"]["user_id"]: one["probability"] for one in everybody(restock_shop, **asked)}
        chance = item(forecast(restock_shop, eager), "dairy/milk")["due"]["p10"]
        assert eager not in found or chance <= late["to"]
    anew = everybody(restock_shop, item_ids=["milk-a"], min_probability=0)
    (probability,) = [one["probability"] for one in anew if one["subject"]["user_id"] == eager]
    week = item(forecast(restock_shop, eager), "dairy/milk")["probability_due_by"][WEEK["to"]]
    assert probability == pytest.approx(week, abs=1e-3)
    restock_shop.track("Order Cancelled", {"order_id": "o"}, userId=eager)
    assert eager in names(everybody(restock_shop, **asked))


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        ({"event": "Consent Changed", "consent": "withdrawn"}, {"purpose": "personalization"}),
        ({"event": "Unsubscribed"}, {}),
    ],
    ids=["does not want to be known", "left every channel"],
)
def test_who_said_no_is_on_no_list_after_the_next_order_either(
    restock_shop: Shop, no: dict[str, str], yes: dict[str, str]
) -> None:
    gone, day = WEEKLY[3], due_day(restock_shop, WEEKLY[3])

    def told(event: str, at: timedelta, **said: str) -> None:
        said = {"channel": "web"} | said | yes if event == "Consent Changed" else said
        when = (NOW - timedelta(minutes=60) + at).isoformat()
        restock_shop.track(event, said, userId=gone, timestamp=when, messageId=f"{event}-{said}-{at}")

    def listed() -> list[bool]:
        calendar = due_on(restock_shop.resources, day, 0.01, "", 1_000)
        service = names(everybody(restock_shop, min_probability=0.01))
        assert set(service) >= set(WEEKLY) - {gone}
        return [gone in service, gone in {one.customer_id for one in calendar.customers}]

    assert listed() == [True, True]
    told(no["event"], timedelta(minutes=10), **{name: said for name, said in no.items() if name != "event"})
    assert listed() == [False, False]
    buy(restock_shop, "milk-a", timedelta(days=8), userId=gone)
    assert listed() == [False, False], "after an order"
    told("Consent Changed", timedelta(minutes=9), consent="granted")
    assert listed() == [False, False], "after a consent of before, which is late"
    before = restock_shop.resources.restock.scored
    position = restock_shop.resources.events.log.last_position()
    score(restock_shop.folder, restock_shop.resources.restock.published().model, position, UNTIL + timedelta(minutes=1))
    until(lambda: restock_shop.resources.restock.scored is not before, "the new table is read")
    assert listed() == [False, False], "by a new table"
    told("Consent Changed", timedelta(minutes=11), consent="granted")
    assert listed() == [True, True]


def due_day(shop: Shop, customer: str) -> date:
    (one,) = [one for one in everybody(shop, min_probability=0.01) if one["subject"]["user_id"] == customer]
    return date.fromisoformat(one["due_at"])


def test_a_customer_whom_the_table_does_not_know_yet_can_be_due(restock_shop: Shop) -> None:
    for week in range(5):
        buy(restock_shop, "milk-a", timedelta(days=7 * week + 6), f"n{week}", userId="a-new-one")
        buy(restock_shop, "milk-a", timedelta(days=7 * week + 6), f"v{week}", anonymousId="a-visitor")
    found = everybody(restock_shop, limit=2)
    assert names(found)[0] == "a-new-one"
    assert {"user_id": None, "anonymous_id": "a-visitor"} in [one["subject"] for one in found]
    assert len(found) == len(WEEKLY) + 2


def test_joined_identities_are_due_once(restock_shop: Shop) -> None:
    restock_shop.client.post("/v1/alias", json={"userId": WEEKLY[4], "previousId": WEEKLY[2]})
    found = names(everybody(restock_shop))
    assert WEEKLY[2] in found
    assert WEEKLY[4] not in found
    assert len(found) == len(WEEKLY) - 1


def test_a_visitor_of_the_table_who_turns_out_to_be_a_customer_is_due_as_that_customer(restock_shop: Shop) -> None:
    for week in range(5):
        buy(restock_shop, "milk-a", timedelta(days=7 * week + 6), f"v{week}", anonymousId="guest")
    restock = restock_shop.resources.restock
    position = restock_shop.resources.events.log.last_position()
    before = restock.scored
    score(restock_shop.folder, restock.published().model, position, UNTIL + timedelta(minutes=1), {WEEKLY[3]: "guest"})
    until(lambda: restock.scored is not before, "the new table is read")
    assert "guest" in names(everybody(restock_shop))
    restock_shop.track("Product Viewed", {"product_id": "milk-a"}, anonymousId="guest", userId="a-member")
    found = names(everybody(restock_shop))
    assert "guest" not in found
    assert found.count("a-member") == 1


def test_a_rejected_need_is_not_due_whatever_the_table_says(restock_shop: Shop) -> None:
    answer = cart(restock_shop, WEEKLY[6])
    say(restock_shop, answer["cart_id"], "rejected", [{"item_id": "milk-a"}])
    asked = {"item_ids": ["milk-a", "milk-b"]}
    assert WEEKLY[6] not in names(everybody(restock_shop, **asked))
    before = restock_shop.resources.restock.scored
    position = restock_shop.resources.events.log.last_position()
    score(restock_shop.folder, restock_shop.resources.restock.published().model, position, UNTIL + timedelta(minutes=1))
    until(lambda: restock_shop.resources.restock.scored is not before, "the new table is read")
    assert WEEKLY[6] not in names(everybody(restock_shop, **asked))


@pytest.mark.parametrize("budget", [Budget(anew=1), Budget(rows=1), Budget(anew=2, rows=3)])
def test_a_small_budget_makes_more_pages_and_loses_nobody(restock_shop: Shop, budget: Budget) -> None:
    """Of those who bought since the table, at most so many are forecast for a page; some of them are in no table."""
    for name in ("a-new-one", WEEKLY[2], "weekly-55", WEEKLY[9]):
        buy(restock_shop, "milk-a", timedelta(days=8), f"n{name}", userId=name)
    restock, events = restock_shop.resources.restock, restock_shop.resources.events.log
    scored, model, today = restock.customers(), restock.published().model, last_day(NOW)
    calls: list[str] = []

    def anew(person: Person) -> tuple[Forecasts, Taught]:
        calls.append(person.customer_id)
        return model.forecast(customer_behind(OrderHistories(events), person, NOW).lines, today), Taught()

    asked = Question(today + 1, today + 7, today, 0.05, None, "", 5)
    found: list[str] = []
    after, pages = "", 0
    while True:
        before = len(calls)
        page = due_page(scored, replace(asked, after=after), anew, budget)
        assert len(calls) - before <= budget.anew
        found += [due.person.customer_id for due in page.customers]
        pages += 1
        if page.last_id is None:
            break
        assert page.last_id > after
        after = page.last_id
    whole = due_page(scored, replace(asked, limit=1_000), anew)
    assert found == [due.person.customer_id for due in whole.customers]
    assert set(WEEKLY) <= set(found)
    assert pages >= 4


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="never gets on"):
        Budget(anew=0)


def test_a_table_that_too_many_have_left_behind_says_so_and_remembers_nobody(restock_shop: Shop) -> None:
    for name in ("new-1", "new-2", "new-3"):
        buy(restock_shop, "milk-a", number=name, userId=name)
    restock = restock_shop.resources.restock
    until(lambda: restock.scored is not None and "new-3" in restock.scored.catch_up()[0], "it has read that")
    scored = ScoredCustomers(restock.customers().table, restock.events, restock.identities, most=2)
    touched, stale = scored.catch_up()
    assert (scored.outdated, len(touched), stale.all()) == (True, 0, True)
    restock.scored = scored
    response = restock_shop.client.post("/v1/restock/due", json={"window": WEEK})
    assert (response.status_code, response.json()["code"]) == (503, "nobody_scored")
    assert "Too many customers" in response.json()["detail"]


def test_products_and_categories_say_which_needs_count(restock_shared: Shop) -> None:
    month = {"window": {"from": WEEK["from"], "to": str(TODAY + timedelta(days=28))}, "min_probability": 0.05}
    by_item = everybody(restock_shared, item_ids=[FOOD], **month)
    by_category = everybody(restock_shared, category="pets", **month)
    assert by_item
    assert [(one["subject"], one["probability"]) for one in by_item] == [
        (one["subject"], one["probability"]) for one in by_category
    ]
    milk = {
        one["subject"]["user_id"]: one["probability"]
        for one in everybody(restock_shared, category="dairy/milk/", **month)
    }
    assert all(one["probability"] < milk[one["subject"]["user_id"]] for one in by_item)
    assert everybody(restock_shared, category="pet", **month) == []
    assert everybody(restock_shared, item_ids=["moon-dust"], **month) == []
    assert everybody(restock_shared, item_ids=[FOOD], category="dairy", **month) == []


def test_nobody_is_due_who_left_or_bought_once(restock_shared: Shop) -> None:
    assert not {LAPSED, ONCE} & set(names(everybody(restock_shared, min_probability=0)))


def test_a_window_must_lie_where_somebody_sees(restock_shared: Shop) -> None:
    yesterday, far = str(TODAY - timedelta(days=1)), str(TODAY + timedelta(days=HORIZON + 1))
    assert refused(restock_shared, window={"from": yesterday, "to": str(TODAY)}) == ["/window/to"]
    assert refused(restock_shared, window={"from": WEEK["from"], "to": far}) == ["/window/to"]
    assert refused(restock_shared, window={"from": WEEK["to"], "to": WEEK["from"]}) == ["/window/to"]
    assert refused(restock_shared, window={"from": "0001-01-01", "to": "9999-12-31"}) == ["/window/to"]
    assert refused(restock_shared, as_of=NOW.isoformat()) == ["/as_of"]
    past = due(restock_shared, window={"from": yesterday, "to": WEEK["to"]})
    assert [one["probability"] for one in past["customers"]] == [
        one["probability"] for one in due(restock_shared)["customers"]
    ]


@pytest.mark.parametrize("cursor", ["zzz", "ÿ", "W10=", "WyJhIiwiYiJd", "bnVsbA=="])
def test_a_cursor_is_ours_or_refused(restock_shared: Shop, cursor: str) -> None:
    assert refused(restock_shared, cursor=cursor) == ["/cursor"]


def test_a_cursor_holds_to_its_question(restock_shared: Shop) -> None:
    cursor = due(restock_shared, limit=2)["next_cursor"]
    assert refused(restock_shared, cursor=cursor, min_probability=0.1) == ["/cursor"]


def test_the_table_of_days_ago_is_read_given_that_nothing_happened_since(restock_shop: Shop) -> None:
    restock_shop.clock.now = NOW + timedelta(days=3)
    week = {"from": str(TODAY + timedelta(days=4)), "to": str(TODAY + timedelta(days=10))}
    found = {one["subject"]["user_id"]: one for one in everybody(restock_shop, window=week, min_probability=0)}
    assert found.keys() == set(WEEKLY)
    for one in found.values():
        assert week["from"] <= one["due_at"] <= week["to"]
        assert date.fromisoformat(one["cart"]["valid_until"][:10]) > date.fromisoformat(week["to"])
    restock_shop.clock.now = NOW + timedelta(days=HORIZON)
    response = restock_shop.client.post("/v1/restock/due", json={"window": week})
    assert (response.status_code, response.json()["code"]) == (503, "nobody_scored")


def why_nobody_is_due(shop: Shop) -> str:
    response = shop.client.post("/v1/restock/due", json={"window": WEEK})
    assert (response.status_code, response.json()["code"]) == (503, "nobody_scored")
    return str(response.json()["detail"])


def test_a_table_that_cannot_be_read_stops_no_other_answer(restock_folder: Path) -> None:
    newest(restock_folder / "features").write_bytes(b"half of a table")
    with running(restock_folder, ready=False) as shop:
        until(lambda: shop.resources.restock.live() is not None, "the model is live")
        assert cart(shop)["items"]
        until(lambda: "cannot be loaded" in why_nobody_is_due(shop), "its first look is over")


def test_without_a_table_the_way_out_is_named(restock_folder: Path) -> None:
    newest(restock_folder / "features").unlink()
    with running(restock_folder, ready=False) as shop:
        until(lambda: shop.resources.restock.live() is not None, "the model is live")
        until(
            lambda: "python -m pipelines restock score" in why_nobody_is_due(shop),
            "it has looked, and says the way out",
        )
        assert cart(shop)["items"]
        assert "\nkairos_restock_table_age_seconds" not in shop.client.get("/metrics").text


def test_a_replay_asks_as_if_it_were_then(restock_folder: Path) -> None:
    with running(restock_folder, ready=False, allow_as_of=True) as shop:
        live(shop)
        shop.clock.now = NOW + timedelta(days=300)
        then = {"as_of": NOW.isoformat()}
        assert names(everybody(shop, **then)) == sorted(WEEKLY)
        (first, *_) = due(shop, **then)["customers"]
        assert shop.resources.decisions.log.find(first["cart"]["cart_id"]) is None
        assert refused(shop, as_of=(NOW - timedelta(days=2)).isoformat()) == ["/as_of"]


def test_the_age_of_the_table_is_measured(restock_shop: Shop) -> None:
    (line,) = [
        line
        for line in restock_shop.client.get("/metrics").text.splitlines()
        if line.startswith("kairos_restock_table_age_seconds")
    ]
    assert float(line.split()[1]) == (NOW - UNTIL).total_seconds()


def test_what_is_due_again_leads_where_one_buys_again(restock_shop: Shop) -> None:
    shown = restock_shop.recommend(subject={"user_id": WEEKLY[6]}, placement="buy_again")
    assert shown["strategy"] == "due_again"
    first = shown["items"][0]
    assert (first["item_id"], first["source"]) == ("milk-a", "due_again")
    assert first["reasons"][0]["code"] == "bought_before"
    assert np.isfinite(first["score"])
