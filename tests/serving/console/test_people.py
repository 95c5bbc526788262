"""What a proxy tells of who asks is believed from trusted addresses alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.serving.console.browser import TOKEN
from tests.serving.world import make_key, running

PROXY, STRANGER = ("10.0.0.1", 4_000), ("192.0.2.7", 4_000)
SETTINGS = {
    "console_identity_header": "X-Forwarded-User",
    "console_admins": "ann, root@shop",
    "console_customers": "carl",
    "trusted_proxies": "10.0.0.0/24",
}


@pytest.fixture(scope="module")
def behind(empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An empty shop whose console is asked from whichever address."""
    folder: Path = tmp_path_factory.mktemp("proxy")
    with running(folder, ready=False, mlflow_uri=f"sqlite:///{empty_mlflow}", **SETTINGS) as shop:

        def get(path: str, client: tuple[str, int], **headers: str) -> Any:
            own = TestClient(shop.app, client=client)
            return own.get(
                path, headers={name.replace("_", "-"): told for name, told in headers.items()}, follow_redirects=False
            )

        get.shop = shop  # type: ignore[attr-defined]
        yield get


def test_the_name_counts_from_the_proxy_alone(behind: Any) -> None:
    assert behind("/console", PROXY, X_Forwarded_User="ann").status_code == 200
    assert behind("/console", STRANGER, X_Forwarded_User="ann").status_code == 303
    assert behind("/console", PROXY).status_code == 303


@pytest.mark.parametrize(
    ("name", "role", "people"), [("ann", "administrator", True), ("bob", "viewer", False), ("carl", "viewer", True)]
)
def test_a_name_has_the_role_that_the_settings_give_it(behind: Any, name: str, role: str, people: bool) -> None:
    page = behind("/console", PROXY, X_Forwarded_User=name).text
    assert f"<code>{name}</code> {role}" in page
    assert ("/console/visitor" in page) is people
    change = behind("/console/models/change?act=promote&name=x&number=1", PROXY, X_Forwarded_User=name)
    assert change.status_code == (404 if role == "administrator" else 403)


@pytest.mark.parametrize("name", ["", " ann", "ann\tx", "a" * 300])
def test_a_name_that_is_none_is_nobody(behind: Any, name: str) -> None:
    assert behind("/console", PROXY, X_Forwarded_User=name).status_code == 303


def test_a_name_is_shown_as_text(behind: Any) -> None:
    page = behind("/console", PROXY, X_Forwarded_User="<b>x</b>").text
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x" in page


def test_two_names_are_nobody(behind: Any) -> None:
    own = TestClient(behind.shop.app, client=PROXY)
    two = [("X-Forwarded-User", "bob"), ("X-Forwarded-User", "ann")]
    assert own.get("/console", headers=two, follow_redirects=False).status_code == 303


def test_the_token_of_a_form_is_of_that_name(behind: Any) -> None:
    ann, bob = (TOKEN.search(behind("/console", PROXY, X_Forwarded_User=name).text) for name in ("ann", "bob"))
    assert ann is not None
    assert bob is not None
    assert ann.group(1) != bob.group(1)


def test_the_cookie_is_for_https_alone_where_the_browser_came_by_it(behind: Any) -> None:
    key = make_key(behind.shop.folder)
    for client, proto, secure in ((PROXY, "https", True), (PROXY, "http", False), (STRANGER, "https", False)):
        own = TestClient(behind.shop.app, client=client)
        answer = own.post(
            "/console/sign-in", data={"key": key}, headers={"X-Forwarded-Proto": proto}, follow_redirects=False
        )
        assert ("Secure" in answer.headers["set-cookie"]) is secure, (client, proto)
    own = TestClient(behind.shop.app, base_url="https://console.example", client=STRANGER)
    answer = own.post("/console/sign-in", data={"key": key}, follow_redirects=False)
    assert "Secure" in answer.headers["set-cookie"]


def test_the_host_that_the_proxy_names_is_where_a_form_may_come_from(behind: Any) -> None:
    key = make_key(behind.shop.folder)
    headers = {"X-Forwarded-Host": "console.example", "Origin": "https://console.example"}
    for client, status in ((PROXY, 303), (STRANGER, 403)):
        own = TestClient(behind.shop.app, client=client)
        assert (
            own.post("/console/sign-in", data={"key": key}, headers=headers, follow_redirects=False).status_code
            == status
        )
