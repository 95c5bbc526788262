"""The projector inside of a service: it changes no answer, and says how late it is."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from features.online_rows import rows_of
from features.projector import Lag
from features.recent_rows import read_recents
from serving.schemas import Subject
from tests.serving.world import DRINKER, FEATURES, MILK, Shop
from tests.waiting import until


def history(shop: Shop, **subject: Any) -> list[tuple[str, float]]:
    visitor = asyncio.run(shop.resources.visitors.read(Subject(**subject), FEATURES, shop.clock()))
    assert visitor.degraded is None
    return list(zip(visitor.ids, visitor.weights, strict=True))


def pushed(shop: Shop, id_: str) -> int:
    """How many events of an id are online; waits until nothing is left to push."""
    resources = shop.resources
    until(lambda: resources.projection.projector.lag() == Lag(0), "everything is online")
    found = read_recents(rows_of(resources.visitors.store), [id_])
    return len(found[id_].records) if id_ in found else 0


def test_an_answer_is_the_same_before_and_after_a_push(shop: Shop) -> None:
    before = history(shop, user_id=DRINKER)
    shop.track("Product Viewed", {"product_id": "tea-1"}, userId=DRINKER)
    shop.track("Order Completed", {"order_id": "n", "products": [{"product_id": MILK}]}, userId=DRINKER)
    expected = [*before, ("tea-1", 0.1), (MILK, 1.0)]
    assert history(shop, user_id=DRINKER) == expected
    assert pushed(shop, DRINKER) == 2
    assert history(shop, user_id=DRINKER) == expected
    shop.track("Order Cancelled", {"order_id": "n"}, userId=DRINKER)
    assert history(shop, user_id=DRINKER) == expected[:-1]
    assert pushed(shop, DRINKER) == 3
    assert history(shop, user_id=DRINKER) == expected[:-1]


def test_who_logs_in_brings_what_the_device_did(shop: Shop) -> None:
    shop.track("Product Viewed", {"product_id": "tea-1"}, anonymousId="device")
    assert pushed(shop, "anonymous:device") == 1
    shop.track("Product Viewed", {"product_id": "tea-2"}, userId="ann")
    assert pushed(shop, "ann") == 1
    assert history(shop, user_id="ann") == [("tea-2", 0.1)]
    shop.client.post("/v1/identify", json={"userId": "ann", "anonymousId": "device"})
    assert history(shop, user_id="ann") == [("tea-1", 0.1), ("tea-2", 0.1)]
    assert history(shop, anonymous_id="device") == [("tea-1", 0.1), ("tea-2", 0.1)]


def test_readiness_and_metrics_tell_when_it_stands_still(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    projection = shop.resources.projection
    as_json = {"accept": "application/json"}
    found = shop.client.get("/readyz", headers=as_json).json()
    states = {one["name"]: one["state"] for one in found["dependencies"]}
    assert (found["ready"], states["model"], states["projector"], states["database"]) == (True, "ok", "ok", "ok")

    def gone(_: object) -> None:
        raise OSError("ann@example.com is not reachable")

    monkeypatch.setattr(projection.projector, "step", gone)
    projection.step()
    projection.step()
    answer = shop.client.get("/readyz", headers=as_json)
    states = {one["name"]: one["state"] for one in answer.json()["dependencies"]}
    assert (answer.status_code, states["projector"], states["online_store"]) == (200, "degraded", "ok")
    text = shop.client.get("/readyz").text
    assert "projector: its latest step ended with OSError" in text
    assert "ann" not in text
    metrics = shop.client.get("/metrics").text
    assert "kairos_projector_failures_total 2.0" in metrics
    assert shop.recommend(subject={"user_id": DRINKER}, limit=1)["degraded"] is False


def test_the_lag_is_counted_in_events_and_seconds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    projection = shop.resources.projection
    lag = Lag(7, shop.clock() - timedelta(seconds=45))
    monkeypatch.setattr(projection.projector, "lag", lambda: lag)
    projection.step()
    text = shop.client.get("/metrics").text
    assert "kairos_projector_lag_events 7.0" in text
    assert "kairos_projector_lag_seconds 45.0" in text
    assert "kairos_projector_running 1.0" in text
    assert "projector: 7 events behind for 45 s" in shop.client.get("/readyz").text


def test_a_step_that_hangs_does_not_hold_the_process(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    over, hanging = threading.Event(), threading.Event()
    projection = shop.resources.projection

    def hang(_: object) -> None:
        hanging.set()
        over.wait(30)

    monkeypatch.setattr("serving.projection._LEAVE_SECONDS", 0.1)
    monkeypatch.setattr(projection.projector, "step", hang)
    until(hanging.is_set, "it hangs")
    closing = threading.Thread(target=projection.close)
    closing.start()
    closing.join(10)
    ended = not closing.is_alive()
    over.set()
    assert ended
