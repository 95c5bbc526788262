"""When to write to whoever is due: decisions in the due list, the same that the address of decisions would give."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from features.decisions import Decided
from tests.serving.world import NOW, Shop

SOON = {"from": (NOW + timedelta(days=1)).date().isoformat(), "to": (NOW + timedelta(days=7)).date().isoformat()}


def due(shop: Shop, **request: Any) -> list[Any]:
    body = {"window": SOON, "min_probability": 0.1, "limit": 1_000, **request}
    response = shop.client.post("/v1/restock/due", json=body)
    assert response.status_code == 200, response.text
    customers: list[Any] = response.json()["customers"]
    return customers


def early(one: Any) -> bool:
    return date.fromisoformat(one["due_at"]) > (NOW + timedelta(days=3)).date()


def test_whoever_is_due_soon_gets_a_decision_that_stands(restock_shop: Shop) -> None:
    found = due(restock_shop, channels=["email", "push"])
    assert found
    for one in found:
        if early(one):
            assert one["send"] is None
            continue
        record = restock_shop.resources.decisions.log.find(one["send"]["decision_id"])
        kept = msgspec.json.decode(record.payload, type=Decided)
        assert (kept.decision_point, kept.trigger_id[:4]) == ("restock", "due:")
        assert set(kept.item_ids) == {item["item_id"] for item in one["cart"]["items"]}
        assert one["send"]["send"] == (one["send"]["channel"] is not None) == (one["send"]["reason"] is None)
        if one["send"]["send"]:
            assert one["send"]["channel"] == "email"
            assert datetime.fromisoformat(one["send"]["send_at"]) >= NOW
    again = due(restock_shop, channels=["email"])
    assert [one["send"] for one in again] == [one["send"] for one in found]
    sent = next(one["send"] for one in found if one["send"] and one["send"]["send"])
    answer = restock_shop.client.post("/v1/decisions/check", json={"decision_id": sent["decision_id"]}).json()
    assert answer["reason"] in (None, "quiet_hours")


def test_it_is_decided_three_days_ahead_and_not_earlier(restock_shop: Shop) -> None:
    later = {name: (date.fromisoformat(day) + timedelta(days=7)).isoformat() for name, day in SOON.items()}
    found = due(restock_shop, channels=["email"], window=later)
    assert [one["send"] for one in found] == [None] * len(found) != []


@pytest.mark.parametrize("channels", [[], ["call"]])
def test_without_a_channel_that_there_is_nothing_is_decided(restock_shop: Shop, channels: list[str]) -> None:
    assert {one["send"] for one in due(restock_shop, channels=channels)} == {None}
    assert restock_shop.resources.decisions.log.read(types=["decision"]) == []


def test_a_need_is_the_same_however_its_day_moves_until_it_is_bought_again(restock_shop: Shop) -> None:
    found = due(restock_shop, channels=["email"])
    moved = {"from": SOON["from"], "to": (date.fromisoformat(SOON["to"]) + timedelta(days=2)).isoformat()}
    later = {str(one["subject"]): one for one in due(restock_shop, channels=["email"], window=moved)}
    both = [(one, later[str(one["subject"])]) for one in found if str(one["subject"]) in later]
    pairs = [(one["send"], other["send"]) for one, other in both if one["send"] and other["send"]]
    assert pairs
    assert all(one == other for one, other in pairs)


def test_whoever_is_suppressed_takes_nobody_elses_need_along(restock_shop: Shop) -> None:
    first, *others = due(restock_shop, channels=["email"])
    told = {"subject": first["subject"], "suppressed": True}
    assert restock_shop.client.post("/v1/privacy/suppress", json=told).status_code == 200
    assert any(one["send"] for one in others)
    found = due(restock_shop, channels=["email"])
    assert [(one["subject"], one["send"]) for one in found] == [(one["subject"], one["send"]) for one in others]
