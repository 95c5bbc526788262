"""What every request passes: ids, limits, gunzip; and every error is problem+json without a trace of the inside."""

import gzip
import json
import logging
import random
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from serving.access.scopes import UNMATCHED, template_of
from serving.door import Door
from serving.problems import KINDS
from tests.serving.world import Shop

BATCH_LIMIT = 512_000
EVENT_LIMIT = 32_768


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem in `response`, whose members are all there and agree."""
    body: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"/v1/problems/{code}"
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["instance"] == f"urn:request:{body['request_id']}"
    assert body["title"] == body["message"] == KINDS[code].title
    assert "Traceback" not in response.text
    return body


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/track/", "/docs", "/v1/problems/none", "/%00", "//"])
def test_unknown_paths_are_problems(shared: Shop, path: str) -> None:
    problem(shared.client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/recommendations", "GET, POST"),
        ("GET", "/v1/track", "POST"),
        ("POST", "/v1/catalog/items", "GET, PUT"),
        ("POST", "/livez", "GET"),
        ("PUT", "/metrics", "GET"),
        ("OPTIONS", "/v1/batch", "POST"),
        ("POST", "/v1/problems/timeout", "GET"),
        ("POST", "/v1/openapi.json", "GET, HEAD"),
    ],
)
def test_wrong_methods_name_the_right_ones(shared: Shop, method: str, path: str, allow: str) -> None:
    response = shared.client.request(method, path)
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allow


def test_a_head_request_has_no_body(shared: Shop) -> None:
    response = shared.client.head("/v1/nothing")
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'{"userId": }', b"\xff\xfe", b"{'a': 1}"])
def test_what_is_no_json_is_a_400(shared: Shop, body: bytes) -> None:
    response = shared.client.post("/v1/track", content=body, headers={"content-type": "application/json"})
    if body:
        problem(response, 400, "malformed_json")
    else:
        problem(response, 422, "validation_error")


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_json_that_is_no_object_is_a_422(shared: Shop, body: Any) -> None:
    for path in ("/v1/track", "/v1/batch", "/v1/recommendations", "/v1/events/validate"):
        problem(shared.client.post(path, json=body), 422, "validation_error")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "image/png"])
def test_other_media_types_are_a_415(shared: Shop, media_type: str) -> None:
    response = shared.client.post("/v1/track", content=b"a=1", headers={"content-type": media_type})
    problem(response, 415, "unsupported_media_type")


def test_an_unknown_encoding_is_a_415(shared: Shop) -> None:
    response = shared.client.post("/v1/track", content=b"{}", headers={"content-encoding": "br"})
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/track", EVENT_LIMIT),
        ("/v1/recommendations", BATCH_LIMIT),
        ("/v1/batch", BATCH_LIMIT),
        ("/v1/import", BATCH_LIMIT),
        ("/v1/catalog/items", BATCH_LIMIT),
        ("/v1/nothing", EVENT_LIMIT),
    ],
)
def test_bodies_end_at_their_limit(shared: Shop, path: str, limit: int) -> None:
    method = "PUT" if path == "/v1/catalog/items" else "POST"
    fits = b" " * (limit - 2) + b"{}"
    assert shared.client.request(method, path, content=fits).status_code in (404, 422, 200)
    problem(shared.client.request(method, path, content=fits + b" "), 413, "payload_too_large")
    problem(
        shared.client.request(method, path, content=gzip.compress(fits + b" "), headers={"content-encoding": "gzip"}),
        413,
        "payload_too_large",
    )


def test_the_limit_holds_without_a_content_length(shared: Shop) -> None:
    response = shared.client.post("/v1/batch", content=(b" " * 1_000 for _ in range(1_000)))
    problem(response, 413, "payload_too_large")


def test_a_bomb_is_not_unpacked(shared: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = 0
    real = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self.inner = real(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal unpacked
            found = self.inner.decompress(data, most)
            unpacked += len(found)
            return found

    bomb = gzip.compress(b" " * 300_000_000, 9)
    assert len(bomb) < BATCH_LIMIT
    monkeypatch.setattr("serving.door.zlib", SimpleNamespace(decompressobj=Watched, error=zlib.error))
    response = shared.client.post("/v1/batch", content=bomb, headers={"content-encoding": "gzip"})
    problem(response, 413, "payload_too_large")
    assert unpacked == BATCH_LIMIT + 1


@pytest.mark.parametrize("damage", [lambda body: body[:-9], lambda body: b"x" + body, lambda body: body[:4]])
def test_a_damaged_gzip_is_a_400(shared: Shop, damage: Any) -> None:
    body = damage(gzip.compress(json.dumps({"batch": []}).encode() * 50))
    response = shared.client.post("/v1/batch", content=body, headers={"content-encoding": "gzip"})
    problem(response, 400, "malformed_json")


def test_a_request_id_is_given_back_or_made(shared: Shop) -> None:
    assert shared.client.get("/livez", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = shared.client.get("/livez", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    assert made not in ("", "a b\tc")
    assert (
        problem(shared.client.get("/x", headers={"x-request-id": "abc-2"}), 404, "not_found")["request_id"] == "abc-2"
    )


def test_a_mistake_of_ours_tells_the_client_nothing_and_the_log_no_person(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = "ivan@example.com"

    def broken(*_: Any) -> None:
        raise RuntimeError(person)

    monkeypatch.setattr(shop.resources.champion.bundle.members["rp3beta"].__class__, "recommend", broken)
    with caplog.at_level(logging.DEBUG):
        response = shop.client.post("/v1/recommendations", json={"subject": {"user_id": person}})
    body = problem(response, 500, "internal_error")
    assert person not in response.text
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("serving"))
    assert body["request_id"] in logged
    assert "RuntimeError" in logged
    assert person not in logged


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    st.text(st.characters(categories=["L", "N", "P"], codec="utf-8"), max_size=20),
    st.binary(max_size=50),
)
def test_no_path_breaks_the_service(shared: Shop, method: str, path: str, body: bytes) -> None:
    response = shared.client.request(method, f"/v1/{path}".replace("?", "%3F").replace("#", "%23"), content=body)
    assume(template_of(response.request.url.path) == UNMATCHED)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def door_of(shop: Shop) -> Door:
    layer: Any = shop.app.middleware_stack
    while not isinstance(layer, Door):
        layer = layer.app
    return layer


def test_a_crowded_worker_ends_some_connections_that_another_may_take_the_next(
    shared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_of(shared), "_chance", random.Random(3))

    def ended(count: int) -> int:
        answers = [shared.client.get("/nothing") for _ in range(count)]
        return sum(answer.headers.get("connection") == "close" for answer in answers)

    places = shared.resources.places
    assert not ended(100)
    places.in_flight += places.most // 2
    try:
        assert 0 < ended(400) < 100
    finally:
        places.in_flight -= places.most // 2
