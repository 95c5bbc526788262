"""Who gets into the console, for how long, and what ends it."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.database import open_database
from serving.access.key_table import KeyTable
from serving.console.frame import inside
from serving.console.pages import ADDRESSES
from tests.serving.console.browser import Browser
from tests.serving.world import Shop, make_key, running
from tests.waiting import until


def leads_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/console/sign-in?next=")


def rows(shop: Shop, query: str) -> list[Any]:
    return sqlite3.connect(shop.folder / "kairos.db").execute(query).fetchall()


def test_the_cookie_is_for_the_browser_alone_and_the_database_holds_its_hash(shop: Shop) -> None:
    key = make_key(shop.folder)
    answer = shop.client.post("/console/sign-in", data={"key": f" {key}\n"}, follow_redirects=False)
    told = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/console", "SameSite=lax", "Max-Age=43200"} <= set(told.split("; "))
    assert "Secure" not in told
    token = told.split(";")[0].removeprefix("kairos_session=")
    assert len(token) == 43
    kept = str(rows(shop, "SELECT * FROM console_session") + rows(shop, "SELECT * FROM console_act"))
    assert token not in kept
    assert key not in kept
    assert key[:12] in kept


def test_two_sign_ins_are_two_sessions_and_one_planted_before_is_worth_nothing(shop: Shop) -> None:
    planted = "A" * 43
    key = make_key(shop.folder)
    headers = {"Cookie": f"kairos_session={planted}"}
    answer = shop.client.post("/console/sign-in", data={"key": key}, headers=headers, follow_redirects=False)
    assert planted not in answer.headers["set-cookie"]
    assert leads_to_sign_in(shop.client.get("/console", headers=headers, follow_redirects=False))
    one, two = Browser(shop), Browser(shop)
    assert one.cookie != two.cookie
    assert one.token != two.token


@pytest.mark.parametrize("kind", ["pk", "sk"])
def test_no_key_of_a_page_or_a_back_end_opens_it(shop: Shop, kind: Any) -> None:
    answer = shop.client.post("/console/sign-in", data={"key": make_key(shop.folder, kind)}, follow_redirects=False)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "does not open the console" in answer.text


def test_a_session_ends_when_its_key_does_or_nobody_comes_or_the_day_is_over(shop: Shop) -> None:
    for step, after in ((timedelta(hours=1), 12), (timedelta(hours=2), 1)):
        shop.clock.now += timedelta(days=1)
        browser = Browser(shop)
        for _ in range(after - 1):
            shop.clock.now += step
            assert browser.get("/console/models").status_code == 200
        shop.clock.now += step
        assert leads_to_sign_in(browser.get("/console/models"))
    browser = Browser(shop)
    engine = open_database(f"sqlite:///{shop.folder / 'kairos.db'}")
    KeyTable(engine).revoke(browser.key[:12], shop.clock.now)
    engine.dispose()
    until(lambda: leads_to_sign_in(browser.get("/console")), "the revoked key's session is over")


def test_signing_out_ends_the_session_for_whoever_copied_the_cookie(shop: Shop) -> None:
    browser = Browser(shop)
    answer = browser.post("/console/sign-out")
    assert answer.status_code == 303
    assert leads_to_sign_in(browser.get("/console"))


def test_after_signing_in_one_is_where_one_wanted_to_go_and_never_elsewhere(shop: Shop) -> None:
    asked = shop.client.get("/console/integration?x=1", headers={"Cookie": ""}, follow_redirects=False)
    assert asked.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fintegration%3Fx%3D1"
    for told in ("/console/restock/day?on=2026-11-23", "/console/models/change?act=rollback&name=recommender"):
        answer = shop.client.get("/console/language", params={"to": "ru", "next": told}, follow_redirects=False)
        assert answer.headers["location"] == told
    elsewhere = {"key": make_key(shop.folder), "next": "https://evil.example/console"}
    assert (
        shop.client.post("/console/sign-in", data=elsewhere, follow_redirects=False).headers["location"] == "/console"
    )


@given(
    st.text(max_size=60)
    | st.sampled_from(["//e.x/console", "/\\e.x", "/console\r\nX: y", "/console//e", "http:/console"])
)
def test_whatever_is_asked_for_the_way_leads_inside(told: str) -> None:
    found = inside(told)
    assert found.split("?")[0] in ADDRESSES
    assert found.isprintable()
    assert found.isascii()


def test_guessing_is_slowed_down_by_address(folder: Path) -> None:
    with running(folder, rate_failures=0.5) as shop:
        shop.stop_refilling()
        answers = [
            shop.client.post("/console/sign-in", data={"key": f"adm_{n:043d}"}, follow_redirects=False)
            for n in range(40)
        ]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:20] == [401] * 20
        assert 429 in statuses
        assert answers[statuses.index(429)].headers["retry-after"]
        known = shop.client.post("/console/sign-in", data={"key": make_key(shop.folder)}, follow_redirects=False)
        assert known.status_code in (303, 429)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=80))
def test_no_made_up_cookie_opens_anything(shared: Shop, told: str) -> None:
    headers = {b"cookie": b"kairos_session=" + told.encode("latin-1")}
    answer = shared.client.get("/console/models", headers=headers, follow_redirects=False)
    assert leads_to_sign_in(answer)


def test_who_signed_in_is_written_down(shop: Shop) -> None:
    browser = Browser(shop)
    acts = shop.client.get("/v1/reports/audit").json()["acts"]
    assert [(act["actor"], act["role"], act["act"]) for act in acts] == [
        (browser.key[:12], "administrator", "signed_in")
    ]
    Browser(shop, ["reports:read"])
    newest = shop.client.get("/v1/reports/audit", params={"limit": 1}).json()["acts"][0]
    assert newest["role"] == "viewer"
    older = shop.client.get("/v1/reports/audit", params={"before": newest["number"]}).json()["acts"]
    assert older == acts


def test_the_language_is_the_browsers_until_another_is_chosen(shop: Shop) -> None:
    assert 'lang="ru"' in Browser(shop, locale="ru").get("/console").text
    browser = Browser(shop, locale="de")
    assert '<html lang="en">' in browser.get("/console").text
    answer = browser.get("/console/language", to="ru", next="/console/models")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/models")
    browser.headers["Cookie"] += "; " + answer.headers["set-cookie"].split(";")[0]
    assert '<html lang="ru">' in browser.get("/console").text
    assert "set-cookie" not in browser.get("/console/language", to="xx", next="//evil.example").headers
