"""Nothing is changed by what another page sends in the name of whoever is signed in."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from serving.access.scopes import NEEDS
from serving.console.csrf import from_elsewhere
from serving.console.routes import ROUTERS
from tests.serving.console.browser import Browser
from tests.serving.world import Shop, make_key

CHANGES = sorted(
    {
        route.path
        for router in ROUTERS
        for route in router.routes
        if "POST" in route.methods and route.path != "/console/sign-in"  # type: ignore[attr-defined]
    }
)


@pytest.fixture(scope="module")
def signed_in(shared: Shop) -> Browser:
    return Browser(shared)


def test_only_get_and_post_are_taken_and_every_address_is_listed() -> None:
    for router in ROUTERS:
        for route in router.routes:
            assert route.methods <= {"GET", "HEAD", "POST"}  # type: ignore[attr-defined]
            assert NEEDS[route.path] is None  # type: ignore[attr-defined]
    assert "/console/sign-out" in CHANGES


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_the_token_of_this_session(signed_in: Browser, shared: Shop, path: str) -> None:
    other = Browser(shared)
    for token in ("", other.token, signed_in.token[:-1], signed_in.token.upper() + "x", "é" * 64):
        answer = signed_in.post(path, csrf=token)
        assert answer.status_code == 403, token
    assert signed_in.get("/console").status_code == 200


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_from_another_page_is_refused_whatever_token_it_brings(signed_in: Browser, path: str) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert signed_in.post(path, headers=headers).status_code == 403, headers
    assert signed_in.get("/console").status_code == 200


def test_nobody_is_signed_in_by_another_page(shared: Shop) -> None:
    told = {"key": make_key(shared.folder)}
    answer = shared.client.post(
        "/console/sign-in", data=told, headers={"Origin": "https://evil.example"}, follow_redirects=False
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_token_may_come_in_the_header_and_the_right_origin_passes(shared: Shop) -> None:
    browser = Browser(shared)
    headers = {"X-CSRF-Token": browser.token, "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/console/sign-out", headers=headers, csrf="").status_code == 303


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=30
)
@given(st.dictionaries(st.sampled_from(["csrf", "next", "x"]), st.text(max_size=70), max_size=3))
def test_no_made_up_form_ends_the_session(signed_in: Browser, form: dict[str, Any]) -> None:
    answer = signed_in.shop.client.post(
        "/console/sign-out", headers=signed_in.headers, data=form, follow_redirects=False
    )
    assert answer.status_code in (403, 422)
    assert signed_in.get("/console").status_code == 200


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_a_form_comes_as_a_form(signed_in: Browser, media_type: str) -> None:
    answer = signed_in.shop.client.post(
        "/console/sign-out", headers={**signed_in.headers, "Content-Type": media_type}, content=b"{}"
    )
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/html")


def test_a_form_is_bounded(signed_in: Browser) -> None:
    assert signed_in.post("/console/sign-out", why="x" * 40_000).status_code == 413


_LATIN = st.text(st.characters(codec="latin-1"), max_size=30)


@given(_LATIN, _LATIN)
def test_an_origin_is_ours_only_with_our_host(origin: str, host: str) -> None:
    told = from_elsewhere(Headers({"origin": f"https://{origin}"}), host)
    if not told:
        assert origin.lower().startswith(host.lower())
