"""Taking events in: what is acknowledged is on disk, what is wrong is named, and nothing breaks the service."""

import contextlib
import gzip
import json
import queue
import sqlite3
import threading
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.database import open_database
from features.log import EVENTS, Log, Record, moment
from serving.writer import _Request
from tests.databases import begin, begun
from tests.serving.world import NOW, Shop, running
from tests.waiting import PATIENCE, until

VIEW: dict[str, Any] = {"event": "Product Viewed", "properties": {"product_id": "tea-1"}}


def logged(shop: Shop) -> list[Record]:
    """What another process finds on the disk."""
    engine = open_database(f"sqlite:///{shop.folder / 'kairos.db'}")
    log = Log(engine, EVENTS)
    records = [record for part in log.scan() for record in part]
    engine.dispose()
    return records


def logged_of(shop: Shop, user_id: str) -> list[Record]:
    return [record for record in logged(shop) if record.user_id == user_id]


def test_an_acknowledged_event_is_on_disk(shared: Shop) -> None:
    answer = shared.track("Product Viewed", {"product_id": "tea-1"}, userId="on-disk", messageId="on-disk-1")
    assert answer == {"success": True, "accepted": 1, "duplicates": 0, "ignored": 0, "rejected": []}
    (record,) = logged_of(shared, "on-disk")
    assert (record.key, record.type, moment(record.received_at)) == ("on-disk-1", "product_viewed", NOW)


def test_a_message_id_counts_once_and_its_first_delivery_stays(shared: Shop) -> None:
    for product_id, duplicates in (("tea-1", 0), ("tea-2", 1), ("tea-1", 1)):
        answer = shared.track("Product Viewed", {"product_id": product_id}, userId="twice", messageId="twice-1")
        assert (answer["accepted"], answer["duplicates"]) == (1 - duplicates, duplicates)
    (record,) = logged_of(shared, "twice")
    assert "tea-1" in record.payload


def test_without_a_message_id_every_delivery_counts(shared: Shop) -> None:
    for _ in range(2):
        assert shared.track("Product Viewed", {"product_id": "tea-1"}, userId="no-id")["accepted"] == 1
    assert len(logged_of(shared, "no-id")) == 2


@pytest.mark.parametrize(
    ("path", "fields", "type_"),
    [
        ("identify", {"traits": {"email": "secret@example.com"}}, "identified"),
        ("page", {"name": "Home"}, "page_viewed"),
        ("screen", {"name": "Home"}, "screen_viewed"),
        ("group", {"groupId": "g1"}, "grouped"),
        ("alias", {"previousId": "somebody-else"}, "aliased"),
    ],
)
def test_every_call_has_its_path_and_nothing_personal_is_kept(
    shared: Shop, path: str, fields: dict[str, Any], type_: str
) -> None:
    user_id = f"calls-{path}"
    assert shared.client.post(f"/v1/{path}", json={"userId": user_id, **fields}).json()["accepted"] == 1
    (record,) = logged_of(shared, user_id)
    assert record.type == type_
    assert "secret" not in record.payload


def test_a_wrong_field_is_a_422_with_its_pointer(shared: Shop) -> None:
    products = [{"product_id": "tea-1"}, {"product_id": "tea-2", "quantity": 0}]
    body = {"event": "Order Completed", "userId": "u", "properties": {"order_id": "1", "products": products}}
    response = shared.client.post("/v1/track", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    (error,) = response.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/properties/products/1/quantity", "greater_than")


def test_the_good_messages_of_a_batch_get_in_and_the_others_are_named(shared: Shop) -> None:
    batch = [
        {"type": "track", "userId": "mixed", **VIEW},
        {"type": "track", "userId": "mixed", "event": "Product Viewed"},
        {"type": "track", "userId": "mixed", "event": "Video Paused"},
        "not a message",
        {"type": "track", "userId": "mixed", **VIEW},
    ]
    response = shared.client.post("/v1/batch", json={"batch": batch})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["accepted"], answer["ignored"]) == (2, 1)
    assert [(error["index"], error["pointer"]) for error in answer["rejected"]] == [
        (1, "/properties/product_id"),
        (3, ""),
    ]
    assert len(logged_of(shared, "mixed")) == 2


def test_a_batch_of_nothing_but_mistakes_is_a_422(shared: Shop) -> None:
    response = shared.client.post("/v1/batch", json={"batch": [{"type": "track"}, {"type": "nonsense"}]})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/batch/0/event", "/batch/1/type"]


@pytest.mark.parametrize("envelope", [{}, {"batch": None}, {"batch": {}}, {"batch": "x"}])
def test_a_batch_without_messages_is_pointed_at(shared: Shop, envelope: dict[str, Any]) -> None:
    response = shared.client.post("/v1/batch", json=envelope)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/batch")


def test_the_context_and_the_clock_of_a_batch_are_those_of_its_messages(shared: Shop) -> None:
    happened = NOW - timedelta(hours=3)
    message = {"type": "track", "userId": "shared-context", "timestamp": (happened + timedelta(days=2)).isoformat()}
    envelope = {
        "batch": [{**message, **VIEW, "context": {"locale": "ru-RU"}}],
        "context": {"timezone": "Europe/Moscow", "locale": "en-GB"},
        "sentAt": (NOW + timedelta(days=2)).isoformat(),
    }
    assert shared.client.post("/v1/batch", json=envelope).json()["accepted"] == 1
    (record,) = logged_of(shared, "shared-context")
    assert moment(record.occurred_at) == happened
    assert json.loads(record.payload)["timezone"] == "Europe/Moscow"
    assert json.loads(record.payload)["locale"] == "ru-RU"


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/events/validate"])
def test_a_batch_has_an_end(shared: Shop, path: str) -> None:
    few, many = (
        shared.client.post(path, json={"batch": [{}] * 5_000}),
        shared.client.post(path, json={"batch": [{}] * 5_001}),
    )
    assert many.status_code == 422
    assert [(error["pointer"], error["code"]) for error in many.json()["errors"]] == [("/batch", "too_long")]
    assert len(few.json().get("errors", [])) <= 100


def test_a_batch_whose_clock_cannot_be_read_keeps_its_events(shared: Shop) -> None:
    batch = {"batch": [{"type": "track", "userId": "clockless", **VIEW}], "sentAt": "yesterday"}
    assert shared.client.post("/v1/batch", json=batch).json()["accepted"] == 1


@pytest.mark.parametrize("path", ["/v1/import", "/v1/batch"])
def test_an_archive_keeps_its_times(shared: Shop, path: str) -> None:
    then = "2019-03-01T08:00:00+00:00"
    user = f"archived{path.replace('/', '-')}"
    message = {"type": "track", "userId": user, "timestamp": then, "sentAt": then, **VIEW}
    archived = message if path == "/v1/import" else {**message, "receivedAt": then}
    assert shared.client.post(path, json={"batch": [archived], "sentAt": NOW.isoformat()}).json()["accepted"] == 1
    (record,) = logged_of(shared, user)
    assert moment(record.occurred_at) == datetime.fromisoformat(then)


def test_gzip_as_segments_clients_send_it(shared: Shop) -> None:
    body = gzip.compress(json.dumps({"batch": [{"type": "track", "userId": "zipped", **VIEW}]}).encode())
    response = shared.client.post("/v1/batch", content=body, headers={"content-encoding": "gzip"})
    assert response.json()["accepted"] == 1


def test_a_browsers_beacon_is_read_as_json(shared: Shop) -> None:
    body = json.dumps({"userId": "beacon", **VIEW}).encode()
    response = shared.client.post("/v1/track", content=body, headers={"content-type": "text/plain;charset=UTF-8"})
    assert response.json()["accepted"] == 1


def test_validate_tells_what_would_happen_and_keeps_nothing(shared: Shop) -> None:
    before = len(logged(shared))
    batch = [
        {"type": "track", "userId": "dry", "event": "Product Viewed", "properties": {"product_id": "unheard-of"}},
        {"type": "track", "userId": "dry", "event": "Video Paused"},
        {"type": "track", "event": "Product Viewed"},
    ]
    verdicts = shared.client.post("/v1/events/validate", json={"batch": batch}).json()["events"]
    assert [verdict["verdict"] for verdict in verdicts] == ["accepted", "ignored", "rejected"]
    assert (verdicts[0]["type"], verdicts[0]["unknown_items"]) == ("product_viewed", ["unheard-of"])
    assert verdicts[2]["pointer"] == "/userId"
    single = shared.client.post("/v1/events/validate", json={**batch[0], "properties": {"product_id": "tea-1"}}).json()
    assert single["events"][0]["unknown_items"] == []
    assert len(logged(shared)) == before


def test_links_between_ids_count_at_once(shared: Shop) -> None:
    shared.track("Product Viewed", {"product_id": "tea-1"}, anonymousId="device-1")
    shared.client.post("/v1/identify", json={"userId": "linked", "anonymousId": "device-1"})
    person = shared.resources.identities.person("linked", None)
    assert person.anonymous_ids == ("device-1",)


def test_what_the_log_cannot_take_is_acknowledged_from_the_journal_and_in_the_log_later(folder: Path) -> None:
    with running(folder) as shop:
        with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE)) as connection:
            connection.execute("ALTER TABLE event RENAME TO gone")
        response = shop.client.post("/v1/track", json={"userId": "kept", "messageId": "kept-1", **VIEW})
        assert response.status_code == 200, response.text
        assert shop.resources.events.journaled
        text = shop.client.get("/metrics").text
        assert f'kairos_journal_bytes{{log="event"}} {float(shop.resources.events.journaled)}' in text
        with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE)) as connection:
            connection.execute("ALTER TABLE gone RENAME TO event")
        until(lambda: not shop.resources.events.journaled, "the journal is in the log")
        assert len(logged_of(shop, "kept")) == 1
        assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1


def test_a_log_that_hangs_is_given_up_without_an_acknowledgement(folder: Path) -> None:
    with running(folder, give_up_seconds=0.5) as shop:
        with contextlib.closing(sqlite3.connect(folder / "kairos.db", PATIENCE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            response = shop.client.post("/v1/track", json={"userId": "patient", "messageId": "patient-1", **VIEW})
            assert (response.status_code, response.json()["code"]) == (503, "timeout")
            assert not logged_of(shop, "patient")
            other.execute("ROLLBACK")
        again = {"userId": "patient", "messageId": "patient-1", **VIEW}
        until(lambda: shop.client.post("/v1/track", json=again).status_code == 200, "the log is written again")
        until(lambda: not shop.resources.events.journaled, "what a slow disk left to the journal is in the log, too")
        assert len(logged_of(shop, "patient")) == 1


def test_more_than_can_wait_is_refused_early(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record("queued", "page_viewed", 0, 0, "u", None, "{}")
    begun, slow = threading.Event(), threading.Event()

    def held(group: Any) -> None:
        begun.set()
        assert slow.wait(PATIENCE)
        keep(group)

    with running(folder, journal_megabytes=2) as shop:  # all that may wait has room at once
        events = shop.resources.events
        keep, append = events._journalize, events.log.append
        monkeypatch.setattr(events, "_journalize", held)
        monkeypatch.setattr(events.log, "append", lambda records: slow.wait(PATIENCE) and append(records))
        waiting = [Future()]
        events._kept.put(_Request([record], False, 0.0, waiting[0]))
        assert begun.wait(PATIENCE), "from now on nobody makes room behind the back of who is told that there is none"
        with contextlib.suppress(queue.Full):
            waiting.extend(events.submit([record]) for _ in range(200_000))
        response = shop.client.post("/v1/track", json={"userId": "u", **VIEW})
        assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
        assert int(response.headers["retry-after"]) > 0
        slow.set()
        for submitted in waiting:
            submitted.result(PATIENCE)
        assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1


@pytest.mark.slow
def test_postgresql_going_away_and_coming_back(folder: Path, tmp_path: Path) -> None:
    server = begun(tmp_path / "pg")
    try:
        with running(folder, ready=False, database_url=server.get_uri()) as shop:
            assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1
            server._stop()
            assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1, "journaled"
            begin(server.ensure_postgres_running)
            assert shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1
            until(lambda: len(shop.resources.events.log.read()) == 3, "all three are in the log")
    finally:
        server.cleanup()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
GOOD = {
    "type": "track",
    "userId": "fuzz",
    "messageId": None,
    "event": "Order Completed",
    "properties": {"order_id": "1", "products": [{"product_id": "tea-1", "quantity": 2, "price": "1.5"}]},
    "timestamp": "2026-11-21T10:00:00Z",
    "context": {"timezone": "Europe/Moscow"},
}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_mutated_messages_never_break_the_service(shared: Shop, data: st.DataObject) -> None:
    message: dict[str, Any] = json.loads(json.dumps(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = message
        while isinstance(holder, dict | list) and holder:
            key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
            inner = holder[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
                holder[key] = data.draw(JSON)
                break
            holder = inner
    path = data.draw(st.sampled_from(["/v1/track", "/v1/identify", "/v1/alias", "/v1/events/validate"]))
    for target, body in ((path, message), ("/v1/batch", {"batch": [message], "sentAt": message.get("sentAt")})):
        content = json.dumps(body).encode()
        response = shared.client.post(target, content=content, headers={"content-type": "application/json"})
        assert response.status_code in (200, 400, 422), response.text
        if response.status_code != 200:
            assert response.json()["code"] in ("validation_error", "malformed_json")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.binary(max_size=200) | st.sampled_from([b"[" * 30_000, b'{"a":' * 6_000, b"1" * 10_000, b"\xff\xfe{\x00"]))
def test_any_bytes_are_answered(shared: Shop, body: bytes) -> None:
    for headers in ({}, {"content-encoding": "gzip"}):
        response = shared.client.post("/v1/batch", content=body, headers=headers)
        assert response.status_code in (400, 422), response.text
        assert response.headers["content-type"] == "application/problem+json"
