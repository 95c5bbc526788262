"""Pages of the web: those that a publishable key names may call, what such a key may; no page uses any other key."""

from pathlib import Path

import pytest

from serving.access.key_table import KeyTable
from serving.access.scopes import Kind
from tests.serving.test_door import problem
from tests.serving.world import DRINKER, NOW, Shop, bearing, make_key, running

PAGE, ELSEWHERE = "https://shop.example", "https://evil.example"
ASKED = {"subject": {"user_id": DRINKER}}


def preflight(shop: Shop, path: str, origin: str, **headers: str) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Authorization": "", **headers}
    response = shop.client.options(path, headers=asked)
    if response.status_code == 204:
        return dict(response.headers)
    problem(response, 403, "forbidden_origin")
    assert "access-control-allow-origin" not in response.headers
    return {}


def test_a_page_that_a_key_names_may_ask_and_no_other(shared: Shop) -> None:
    make_key(shared.folder, "pk", origins=[PAGE])
    shared.resources.guard.ring.refresh()
    told = preflight(shared, "/v1/recommendations", PAGE)
    assert told["access-control-allow-origin"] == PAGE
    assert "POST" in told["access-control-allow-methods"]
    assert {"Authorization", "Content-Type"} <= set(told["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in told
    assert told["vary"] == "Origin"
    assert not preflight(shared, "/v1/recommendations", ELSEWHERE)
    assert not preflight(shared, "/v1/recommendations", "null")
    assert not preflight(shared, "/v1/decisions", PAGE)
    assert not preflight(shared, "/v1/nothing", PAGE)


@pytest.mark.parametrize("named", [PAGE, "*"])
def test_a_page_may_ask_at_once_when_its_key_was_made(folder: Path, named: str) -> None:
    with running(folder, refresh_seconds=3_600.0) as shop:
        assert not preflight(shop, "/v1/recommendations", ELSEWHERE)
        make_key(folder, "pk", origins=[named])
        assert preflight(shop, "/v1/recommendations", PAGE)["access-control-allow-origin"] == PAGE
        assert not preflight(shop, "/v1/decisions", PAGE)
        assert bool(preflight(shop, "/v1/recommendations", ELSEWHERE)) == (named == "*")


def test_a_page_that_is_like_one_of_a_key_is_another(folder: Path) -> None:
    with running(folder, refresh_seconds=3_600.0) as shop:
        revoked = make_key(folder, "pk", origins=[PAGE])
        KeyTable(shop.resources.events.log.engine).revoke(revoked[:11], NOW)
        make_key(folder, "pk", origins=[f"{PAGE}.org", f"{PAGE}:8443"])
        for other in (PAGE, "https://shopXexample", "https://shop.examp"):
            assert not preflight(shop, "/v1/recommendations", other)
        assert preflight(shop, "/v1/recommendations", f"{PAGE}:8443")


def test_the_answer_is_for_the_pages_of_its_own_key(shared: Shop) -> None:
    mine = bearing(make_key(shared.folder, "pk", origins=[PAGE]))
    other = bearing(make_key(shared.folder, "pk", origins=["https://other.example"]))
    response = shared.client.post("/v1/recommendations", json=ASKED, headers={**mine, "Origin": PAGE})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["vary"] == "Origin"
    assert "RateLimit" in response.headers["access-control-expose-headers"]
    for headers in ({**mine, "Origin": ELSEWHERE}, {**other, "Origin": PAGE}):
        refused = shared.client.post("/v1/recommendations", json=ASKED, headers=headers)
        problem(refused, 403, "forbidden_origin")
        assert "access-control-allow-origin" not in refused.headers


def test_a_page_can_read_what_was_wrong_with_its_request(shared: Shop) -> None:
    headers = {**bearing(make_key(shared.folder, "pk", origins=[PAGE])), "Origin": PAGE}
    for body, path in (({"nonsense": 1}, "/v1/recommendations"), ({}, "/v1/decisions")):
        response = shared.client.post(path, json=body, headers=headers)
        assert response.status_code in (403, 422)
        assert response.headers["access-control-allow-origin"] == PAGE


def test_a_key_without_origins_serves_no_page_but_an_app(shared: Shop) -> None:
    headers = bearing(make_key(shared.folder, "pk"))
    assert shared.client.post("/v1/recommendations", json=ASKED, headers=headers).status_code == 200
    refused = shared.client.post("/v1/recommendations", json=ASKED, headers={**headers, "Origin": PAGE})
    problem(refused, 403, "forbidden_origin")


def test_a_browser_that_sends_a_secret_key_is_told_what_happened(shared: Shop) -> None:
    kinds: tuple[Kind, ...] = ("sk", "adm")
    for kind in kinds:
        secret = make_key(shared.folder, kind)
        for sign in ({"Origin": PAGE}, {"Sec-Fetch-Site": "same-origin"}):
            response = shared.client.post("/v1/recommendations", json=ASKED, headers={**bearing(secret), **sign})
            told = problem(response, 403, "forbidden_origin")["detail"]
            assert f"keys revoke {secret[: len(kind) + 9]}" in told
            assert secret not in told
