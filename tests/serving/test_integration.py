"""The page and the report about integration say what was sent, and count each message once."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.reports.stale import silent
from tests.serving.console.browser import Browser
from tests.serving.world import NOW, Shop


def counted(shop: Shop) -> Any:
    """The report, after everything that is waiting was counted."""
    shop.count()
    return shop.client.get("/v1/reports/integration").json()


def test_what_was_sent_is_what_is_told(shop: Shop) -> None:
    before = {one["type"]: one["total"] for one in counted(shop)["types"]}
    good = {"event": "Product Viewed", "userId": "ann", "properties": {"product_id": "tea-1"}}
    unknown = {**good, "messageId": "m-1", "properties": {"product_id": "ghost"}}
    for message in (good, good, unknown, unknown):
        shop.client.post("/v1/track", json=message)
    for wrong in ({**good, "userId": None}, {**good, "properties": {"product_id": "x", "price": "much"}}):
        assert shop.client.post("/v1/track", json=wrong).status_code == 422
    batch = [good, {"type": "track", "event": "Product Viewed"}, {**good, "type": "track", "event": "Our Own Event"}]
    assert shop.client.post("/v1/batch", json={"batch": [{"type": "track", **one} for one in batch]}).status_code == 200
    told = counted(shop)
    viewed = next(one for one in told["types"] if one["type"] == "product_viewed")
    assert viewed["total"] - before.get("product_viewed", 0) == viewed["today"] == 4
    assert viewed["stale"] is False
    assert (told["duplicates"], told["ignored"], told["rejected_count"]) == (1, 1, 3)
    reasons = {(one["reason"], one["type"]): one["count"] for one in told["rejected"]}
    assert reasons == {
        ("missing at /userId", "product_viewed"): 2,
        ("not_a_number at /properties/price", "product_viewed"): 1,
    }
    assert [one["product_id"] for one in told["unknown_items"]] == ["ghost"]
    assert told["not_counted"] == 0
    assert told["events_by_day"][-1][1] >= 4
    page = Browser(shop).get("/console/integration").text
    for shown in ("missing at /userId", "ghost", "product_viewed"):
        assert f"<code>{shown}</code>" in page
    assert "'ann'" not in str(told)


def test_what_made_customers_name_is_no_unknown_product(shop: Shop) -> None:
    named = {"event": "Product Viewed", "userId": "simulated-0-1", "properties": {"product_id": "thing"}}
    assert shop.client.post("/v1/track", json=named).status_code == 200
    told = counted(shop)
    assert (told["simulated"], told["unknown_items"]) == (1, [])
    assert "Simulated: 1 event of these seven days" in Browser(shop).get("/console/integration").text


@pytest.mark.parametrize(("locale", "told"), [("en", "Consent for channels that nobody knows"), ("ru", "Согласия по")])
def test_a_withdrawal_by_a_channel_that_the_bank_does_not_name_is_found(shop: Shop, locale: str, told: str) -> None:
    def word(channel: str, consent: str, purpose: str | None = None) -> bool:
        body = {"subject": {"user_id": "ann"}, "channel": channel, "purpose": purpose, "consent": consent}
        answer = shop.client.post("/v1/consents", json=body)
        assert answer.status_code == 202
        return bool(answer.json()["channel_known"])

    assert word("email", "withdrawn")
    assert word("web", "withdrawn", "personalization"), "its channel does not matter"
    assert counted(shop)["unknown_channels"] == []
    assert "unknown-channels" not in Browser(shop, locale=locale).get("/console/integration").text
    assert not word("emial", "withdrawn")
    assert not word("emial", "granted")
    shop.track("Unsubscribed", {"channel": "telegramm"}, userId="ann")
    found = [(one["channel"], one["withdrawn"], one["granted"]) for one in counted(shop)["unknown_channels"]]
    assert found == [("emial", 1, 1), ("telegramm", 1, 0)]
    page = Browser(shop, locale=locale).get("/console/integration").text
    assert told in page
    for shown in ("<code>emial</code>", "<code>telegramm</code>", "email, messenger, on_site"):
        assert shown in page


@pytest.mark.parametrize(("locale", "told"), [("en", "Consent for purposes that nobody asks"), ("ru", "Согласия для")])
def test_a_withdrawal_for_a_purpose_that_no_channel_of_the_bank_has_is_found(
    shop: Shop, locale: str, told: str
) -> None:
    def word(purpose: str | None, consent: str = "withdrawn") -> bool:
        body = {"subject": {"user_id": "ann"}, "channel": "email", "purpose": purpose, "consent": consent}
        answer = shop.client.post("/v1/consents", json=body).json()
        assert answer["channel_known"]
        return bool(answer["purpose_known"])

    for purpose in (None, "marketing", "personalization"):
        assert word(purpose)
    shop.track("Unsubscribed", {"channel": "email", "purpose": "personalization"}, userId="ann")
    assert counted(shop)["unknown_purposes"] == []
    assert "unknown-purposes" not in Browser(shop, locale=locale).get("/console/integration").text
    assert not word("markteing")
    assert not word("Marketing", "granted")
    report = counted(shop)
    found = [(one["purpose"], one["withdrawn"], one["granted"]) for one in report["unknown_purposes"]]
    assert found == [("markteing", 1, 0), ("Marketing", 0, 1)]
    assert report["unknown_channels"] == []
    page = Browser(shop, locale=locale).get("/console/integration").text
    for shown in (told, "<code>markteing</code>", "marketing, personalization"):
        assert shown in page


def test_while_a_product_is_unknown_nobody_reads_that_all_are_known(shop: Shop) -> None:
    view = {"type": "track", "event": "Order Completed", "userId": "ann"}
    lines = [{"product_id": "tea-1"}] * 2_999 + [{"product_id": "ghost"}]
    for first in range(0, 3_000, 100):
        told = {"order_id": f"o{first}", "products": lines[first : first + 100]}
        assert shop.client.post("/v1/batch", json={"batch": [{**view, "properties": told}]}).status_code == 200
    assert counted(shop)["match_rate"] > 0.9995
    assert "99.9%" in Browser(shop).get("/console/integration").text


def test_a_refused_batch_is_counted_too(shop: Shop) -> None:
    assert shop.client.post("/v1/batch", json={"batch": [{"type": "track"}, {"type": "x"}]}).status_code == 422
    assert counted(shop)["rejected_count"] == 2


def test_what_cannot_be_written_now_is_written_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals = shop.resources.arrivals
    shop.client.post("/v1/track", json={"event": "Product Viewed"})
    with monkeypatch.context() as broken:
        broken.setattr(type(arrivals._table), "add", lambda *_: (_ for _ in ()).throw(OSError()))
        with suppress(OSError):
            arrivals.write()
    assert counted(shop)["rejected_count"] == 1


def test_what_happened_days_ago_is_not_of_today(shop: Shop) -> None:
    shop.track("Cart Viewed", userId="ann")
    shop.clock.now += timedelta(days=3)
    told = {one["type"]: one for one in counted(shop)["types"]}
    assert (told["cart_viewed"]["today"], told["cart_viewed"]["week"], told["cart_viewed"]["total"]) == (0, 1, 1)
    shop.clock.now += timedelta(days=30)
    told = {one["type"]: one for one in counted(shop)["types"]}
    assert (told["cart_viewed"]["week"], told["cart_viewed"]["stale"]) == (0, True)


@given(st.integers(2, 10**6), st.floats(0.01, 400), st.floats(0, 100))
def test_a_day_is_never_too_long_and_two_weeks_always_are(count: int, span: float, pause: float) -> None:
    first = NOW - timedelta(days=span + pause)
    last = NOW - timedelta(days=pause)
    found = silent(count, first, last, NOW)
    if pause <= 1:
        assert not found
    if pause > 14.001:
        assert found
    assert not (found and silent(count, first, NOW, NOW))
