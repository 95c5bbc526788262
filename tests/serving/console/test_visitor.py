"""The page Visitor: the numbers of the API in words, everything escaped, nothing of whom nothing may be told."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from markupsafe import escape

from features.events import EVENT_TYPES
from serving.console.event_words import TEXTS
from serving.console.words import Words
from tests.serving.console.browser import Browser
from tests.serving.restock.world import WEEKLY
from tests.serving.world import DRINKER, NOW, Shop
from tests.waiting import until

HOSTILE = '"><script>alert(1)</script>'


def look(browser: Browser, id_: str = DRINKER, **form: Any) -> str:
    answer = browser.post("/console/visitor", id=id_, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def values(text: str, tag: str = "td") -> list[str]:
    return re.findall(rf'<{tag}[^>]*data-value="([^"]*)"', text)


def test_the_search_asks_for_an_id_and_keeps_it_out_of_the_address(shared: Shop) -> None:
    browser = Browser(shared)
    text = browser.get("/console/visitor").text
    assert 'method="post" action="/console/visitor"' in text
    assert browser.post("/console/visitor", csrf="", id=DRINKER).status_code == 403


def test_who_is_made_up_is_said_to_be(shop: Shop) -> None:
    for name in ("simulated-0-1", "ann"):
        shop.track("Product Viewed", userId=name, properties={"product_id": "tea-1"})
    browser = Browser(shop)
    assert "Simulated: nobody stands behind this id" in look(browser, "simulated-0-1")
    assert "Simulated" not in look(browser, "ann")


def test_recommendations_on_the_page_are_those_of_the_api(shared: Shop) -> None:
    text = look(Browser(shared), placement="email")
    asked = shared.recommend(subject={"user_id": DRINKER}, placement="email", preview=True)
    champion = text[text.index('id="champion"') :]
    assert re.findall(r'<li data-item="([^"]*)"', champion) == [item["item_id"] for item in asked["items"]]
    for item in asked["items"]:
        assert html.escape(item["fields"]["title"]) in champion
        assert html.escape(item["reasons"][0]["text"], quote=False) in html.unescape(champion)


def test_the_forecast_on_the_page_is_that_of_the_api(restock_shared: Shop) -> None:
    name = WEEKLY[3]
    text = look(Browser(restock_shared), name)
    told = restock_shared.client.post("/v1/restock/forecast", json={"subject": {"user_id": name}}).json()
    table = text[text.index('id="needs"') : text.index("</table>", text.index('id="needs"'))]
    assert re.findall(r'<tr data-item="([^"]*)"', table) == [item["item_id"] for item in told["items"]]
    told_values = [str(chance) for item in told["items"] for chance in item["probability_due_by"].values()]
    assert [value for value in values(table) if value] == told_values
    for item in told["items"]:
        assert html.escape(item["words"], quote=False) in table


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_without_javascript_all_parts_come_with_the_page(shared: Shop, locale: str) -> None:
    text = look(Browser(shared, locale=locale))
    for part in ("recommendations", "forecast", "cart", "decisions", "contact", "events"):
        assert f'data-part="{part}"' in text
    assert "hx-trigger" not in text


def test_with_htmx_each_part_is_a_request_of_its_own_with_the_same_content(shared: Shop) -> None:
    browser, htmx = Browser(shared), {"HX-Request": "true"}
    frame = browser.post("/console/visitor", headers=htmx, id=DRINKER).text
    assert "<html" not in frame
    asked = re.findall(r'hx-post="(/console/visitor/[a-z]+)"', frame)
    assert len(asked) == 6
    whole = look(browser)
    for address in asked:
        piece = browser.post(address, headers=htmx, id=DRINKER, kind="user")
        assert piece.status_code == 200, piece.text
        assert "<html" not in piece.text
        if address.endswith("/events"):
            assert piece.text[piece.text.index("<table") :].strip()[:200] in whole


@pytest.mark.parametrize("told", ["dec", "rec", "visitor"])
def test_any_id_leads_to_the_person(shop: Shop, told: str) -> None:
    shop.track("Product Viewed", {"product_id": "milk"}, anonymousId="phone-9")
    shop.client.post("/v1/identify", json={"anonymousId": "phone-9", "userId": DRINKER})
    body = {
        "decision_point": "cart_recovery",
        "subject": {"user_id": DRINKER},
        "trigger": {"id": "c", "type": "cart_abandoned", "at": (NOW - timedelta(hours=2)).isoformat()},
    }
    ids = {
        "dec": shop.client.post("/v1/decisions", json=body).json()["decision_id"],
        "rec": shop.recommend(subject={"user_id": DRINKER}, placement="home")["recommendation_id"],
        "visitor": "phone-9",
    }
    assert f'data-customer="{DRINKER}"' in look(Browser(shop), ids[told])


def test_an_unknown_id_is_said_to_be_unknown_and_what_to_check(shared: Shop) -> None:
    text = look(Browser(shared), "nobody-ever")
    assert 'id="unknown"' in text
    assert "nobody-ever" in text
    assert "data-customer" not in text


def test_of_somebody_suppressed_the_page_says_so_and_nothing_else(shop: Shop) -> None:
    shop.client.post("/v1/privacy/suppress", json={"subject": {"user_id": DRINKER}, "suppressed": True})
    text = look(Browser(shop))
    assert 'id="suppressed"' in text
    assert "data-part" not in text
    assert "Tea No." not in text


def test_ids_and_titles_are_text_and_never_markup(shop: Shop) -> None:
    shop.client.put("/v1/catalog/items", json={"items": [{"item_id": "evil", "title": HOSTILE}]})
    shop.track("Product Viewed", {"product_id": "evil"}, userId=HOSTILE)
    browser = Browser(shop)
    until(lambda: str(escape(HOSTILE)) in look(browser, HOSTILE), "the title is known")
    for text in (look(browser, HOSTILE), look(browser, HOSTILE + "x"), look(browser, DRINKER, items=HOSTILE)):
        assert "<script>alert" not in text


def test_looking_by_the_page_logs_nothing_but_that_somebody_looked(shop: Shop) -> None:
    log = shop.resources.decisions.log
    look(Browser(shop))
    assert log.last_position() == 0
    acts = [done for done in shop.resources.acts.latest(10) if done.act == "looked"]
    assert len(acts) == 1
    assert DRINKER not in f"{acts}"


def test_only_who_may_see_customers_sees_one(shared: Shop) -> None:
    browser = Browser(shared, scopes=["reports:read"])
    assert browser.get("/console/visitor").status_code == 403
    assert browser.post("/console/visitor", id=DRINKER).status_code == 403
    assert browser.post("/console/visitor/events", id=DRINKER, kind="user").status_code == 403


def test_every_type_of_event_has_words_in_both_languages() -> None:
    assert TEXTS.keys() == EVENT_TYPES.keys()
    for text in TEXTS.values():
        assert Words("ru")(text, **dict.fromkeys(_places(text), "x")) != text.replace("{", "").replace("}", "")


def _places(text: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", text)
