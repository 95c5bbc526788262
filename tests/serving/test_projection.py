"""The projector inside of a service: it changes no answer, and says how late it is."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.online_rows import rows_of
from features.projector import Lag
from features.recent_rows import read_recents
from features.store import materialize, open_store
from serving.metrics import Metrics
from serving.projection import Projection
from serving.schemas import Subject
from tests.serving.world import DRINKER, FEATURES, MILK, Shop, running
from tests.valkeys import address_of, valkey_server
from tests.waiting import PATIENCE, until


@pytest.fixture(autouse=True)
def closed_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is under way is waited for, or what it finds would be told after what the test tells."""
    monkeypatch.setattr("serving.projection._LEAVE_SECONDS", PATIENCE)


def history(shop: Shop, **subject: Any) -> list[tuple[str, float]]:
    visitor = asyncio.run(shop.resources.visitors.read(Subject(**subject), FEATURES, shop.clock()))
    assert visitor.degraded is None
    return list(zip(visitor.ids, visitor.weights, strict=True))


def pushed(shop: Shop, id_: str) -> int:
    """How many events of an id are online; waits until nothing is left to push."""
    resources = shop.resources
    projector = resources.projection.projector
    until(lambda: projector._offset() is not None and projector.lag() == Lag(0), "it began, and everything is online")
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

    projection.close()  # or a step of its own thread that is under way would say afterwards that all is well
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
    projection.close()  # or a look of its own thread that is under way would say afterwards what it found before
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
        over.wait()

    monkeypatch.setattr("serving.projection._LEAVE_SECONDS", 0.1)
    monkeypatch.setattr(projection.projector, "step", hang)
    until(hanging.is_set, "it hangs")
    closing = threading.Thread(target=projection.close)
    closing.start()
    closing.join(PATIENCE)
    ended = not closing.is_alive()
    over.set()
    assert ended


@pytest.fixture
def on_valkey(folder: Path) -> Iterator[Shop]:
    with valkey_server() as server:
        online = address_of(server)
        materialize(open_store(folder / "features", online))
        with running(folder, online_store=online) as shop:
            yield shop


def test_where_many_can_write_a_worker_pushes_also_without_the_lease(on_valkey: Shop) -> None:
    shop, resources = on_valkey, on_valkey.resources
    resources.projection.close()
    before = history(shop, user_id=DRINKER)
    one, other = (Projection(resources.events.log, resources.visitors.store, Metrics(), shop.clock) for _ in range(2))
    for each in (one, other):
        each.step()
        each.projector.abandoned = timedelta(0)
    shop.track("Product Viewed", {"product_id": "tea-1"}, userId=DRINKER)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("features.shared_projector.push", lambda *_: 1 / 0)
        one.step()
    assert one.failing == "ZeroDivisionError"
    other.projector.lease.hold = lambda _: False
    other.step()
    text = other.metrics.exposition().decode()
    assert "kairos_projector_taken_over_total 1.0" in text
    assert 'kairos_projected_events_total{verdict="pushed"} 1.0' in text
    assert len(read_recents(rows_of(resources.visitors.store), [DRINKER])[DRINKER].records) == 1
    assert history(shop, user_id=DRINKER) == [*before, ("tea-1", 0.1)]


def test_ranges_that_lie_between_the_log_and_the_store_are_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    projection = shop.resources.projection
    projection.close()
    monkeypatch.setattr(projection.projector, "lag", lambda: Lag(9, shop.clock(), waiting=3, taken=2))
    projection.step()
    text = shop.client.get("/metrics").text
    assert 'kairos_projector_ranges{state="waiting"} 3.0' in text
    assert 'kairos_projector_ranges{state="taken"} 2.0' in text
