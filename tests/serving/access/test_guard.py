"""Over HTTP: nothing is served without a key but what is listed, every key does what it may, and ends when it ends."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError

from features.database import open_database
from serving.access.key_table import KeyTable
from serving.access.scopes import GRANTS, NEEDS, Kind
from tests.serving.test_door import problem
from tests.serving.world import DRINKER, NOW, Shop, bearing, make_key, running
from tests.waiting import until

OPEN = {
    "/livez",
    "/routez",
    "/readyz",
    "/v1/version",
    "/v1/openapi.json",
    "/v1/docs",
    "/v1/docs/{name}",
    "/v1/problems/{code}",
}
VIEW = {"event": "Product Viewed", "userId": "guarded", "properties": {"product_id": "tea-1"}}


def without(shop: Shop, **headers: str) -> dict[str, str]:
    """Headers that end up without the client's own key."""
    return {"Authorization": "", **headers}


def keys_of(shop: Shop) -> KeyTable:
    return KeyTable(shop.resources.events.log.engine)


def operations(shop: Shop) -> list[tuple[str, str]]:
    """Those that ask for a key; the pages of the console ask for a session."""
    found = [(route.path, route.methods) for route in shop.app.routes if isinstance(route, APIRoute)]
    return [(method, path) for path, methods in found for method in methods or () if not path.startswith("/console")]


def test_every_operation_without_a_key_is_a_401_but_the_listed_ones(shared: Shop) -> None:
    asked = operations(shared)
    assert len(asked) > 25
    opened = {path for path, scope in NEEDS.items() if scope is None}
    assert {path for path in opened if not path.startswith("/console")} == OPEN  # pages ask for a session
    for method, path in asked:
        response = shared.client.request(method, path, headers=without(shared), json={})
        if path in OPEN:
            assert response.status_code in (200, 404), path
        else:
            problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_body_is_not_read_before_the_key_is_known(shared: Shop) -> None:
    for content in (b"{", b"x" * 600_000, b"[" * 1_000):
        problem(shared.client.post("/v1/batch", content=content, headers=without(shared)), 401, "unauthorized")


@pytest.mark.parametrize("kind", list(GRANTS))
def test_a_key_may_do_what_its_kind_may_and_nothing_else(shared: Shop, kind: Kind) -> None:
    secret = make_key(shared.folder, kind)
    for method, path in operations(shared):
        needed = NEEDS[path]
        if needed is None:
            continue
        response = shared.client.request(method, path, headers=bearing(secret), json={})
        if needed in GRANTS[kind]:
            assert response.status_code not in (401, 403), (method, path)
        else:
            assert needed in problem(response, 403, "forbidden_scope")["detail"]


def test_a_key_with_fewer_scopes_may_do_less(shared: Shop) -> None:
    headers = bearing(make_key(shared.folder, "sk", scopes=["events:write"]))
    assert shared.client.post("/v1/track", json=VIEW, headers=headers).status_code == 200
    asked = {"subject": {"user_id": DRINKER}}
    detail = problem(shared.client.post("/v1/recommendations", json=asked, headers=headers), 403, "forbidden_scope")
    assert "recommendations:read" in detail["detail"]


def test_bearer_basic_and_x_api_key_are_the_same(shared: Shop) -> None:
    secret = make_key(shared.folder, "sk")
    user = base64.b64encode(f"{secret}:".encode()).decode()
    for headers in (bearing(secret), {"Authorization": f"Basic {user}"}, without(shared, **{"X-API-Key": secret})):
        assert shared.client.post("/v1/track", json=VIEW, headers=headers).status_code == 200
    differ = {**bearing(secret), "X-API-Key": make_key(shared.folder, "sk")}
    problem(shared.client.post("/v1/track", json=VIEW, headers=differ), 401, "unauthorized")


def test_a_new_key_counts_at_once_and_a_revoked_one_within_seconds(shop: Shop) -> None:
    keys = keys_of(shop)
    issued = keys.create("sk", "", NOW)
    assert shop.client.post("/v1/track", json=VIEW, headers=bearing(issued.secret)).status_code == 200
    keys.revoke(issued.key.prefix, NOW)

    def refused() -> bool:
        response = shop.client.post("/v1/track", json=VIEW, headers=bearing(issued.secret))
        return response.status_code == 401 and "revoked" in response.json()["detail"]

    until(refused, "the key is refused")


def test_two_keys_live_through_a_rotation_and_the_old_one_ends_by_the_clock(shop: Shop) -> None:
    keys = keys_of(shop)
    old = keys.create("sk", "", NOW)
    new = keys.rotate(old.key.prefix, NOW, timedelta(hours=1))

    def known() -> bool:
        found = shop.resources.guard.ring.get(old.key.digest)
        return found is not None and found.expires_at is not None

    until(known, "the rotation is known")
    for secret in (old.secret, new.secret):
        assert shop.client.post("/v1/track", json=VIEW, headers=bearing(secret)).status_code == 200
    shop.clock.now = NOW + timedelta(hours=1)
    told = problem(shop.client.post("/v1/track", json=VIEW, headers=bearing(old.secret)), 401, "unauthorized")
    assert "expired" in told["detail"]
    assert shop.client.post("/v1/track", json=VIEW, headers=bearing(new.secret)).status_code == 200


def test_a_shop_without_any_key_is_told_how_to_make_one(folder: Any) -> None:
    with running(folder) as shop:
        engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("delete from api_key")
        engine.dispose()
        until(lambda: shop.resources.guard.ring.empty, "the keys are gone")
        told = problem(shop.client.post("/v1/track", json=VIEW), 401, "unauthorized")
        assert "python -m pipelines keys create" in told["detail"]
        assert shop.client.get("/readyz").status_code == 200


def test_guessing_costs_one_query_a_key_and_few_of_them(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = KeyTable.find
    monkeypatch.setattr(KeyTable, "find", lambda self, digest: asked.append(digest) or real(self, digest))  # type: ignore[func-returns-value]
    with running(folder, rate_failures=0.5) as shop:
        shop.stop_refilling()
        for _ in range(5):
            for wrong in ("sk_" + "a" * 43, "nonsense", "sk_short"):
                problem(shop.client.get("/v1/placements", headers=bearing(wrong)), 401, "unauthorized")
            until_quiet = len(asked)
        assert until_quiet <= 5  # once between two looks at the table
        statuses = [
            shop.client.get("/v1/placements", headers=bearing(f"sk_{number:043d}")).status_code for number in range(60)
        ]
        assert statuses.count(429) == 60 - statuses.count(401) >= 30
        assert len(asked) <= 30
        assert shop.client.get("/v1/placements").status_code == 200  # a good key from the same address


def test_guessing_pages_costs_one_query_a_page_and_few_of_them(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = KeyTable.naming
    monkeypatch.setattr(KeyTable, "naming", lambda self, origin: asked.append(origin) or real(self, origin))  # type: ignore[func-returns-value]
    with running(folder, rate_failures=0.5, rate_address=1_000.0, refresh_seconds=3_600.0) as shop:
        shop.stop_refilling()
        secret = make_key(folder, "pk", origins=["https://shop.example"])
        assert shop.client.post("/v1/track", json=VIEW, headers=bearing(secret)).status_code == 200

        def status(origin: str, path: str = "/v1/track") -> int:
            told = without(shop, **{"Origin": origin, "Access-Control-Request-Method": "POST"})
            return int(shop.client.options(path, headers=told).status_code)

        for _ in range(5):
            assert [status(page) for page in ("https://evil.example", "null", "nonsense")] == [403] * 3
        assert [status("https://x.example", path) for path in ("/v1/decisions", "/v1/nothing")] == [403] * 2
        assert asked == ["https://evil.example"]
        assert {status(f"https://{number}.example") for number in range(60)} == {403}
        assert len(asked) <= 30
        assert status("https://shop.example") == 204
        new = make_key(folder, "sk")
        told = shop.client.post("/v1/track", json=VIEW, headers=bearing(new))
        assert told.status_code == 200, "a new key from the same address is looked for all the same"


def test_a_page_that_cannot_be_looked_for_is_refused_as_unknown_and_another_mistake_is_not_hidden(
    shared: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def naming(table: KeyTable, origin: str) -> list[Any]:
        if origin == "https://away.example":
            raise OperationalError("select", {}, Exception("the database is away"))
        raise RuntimeError(origin)

    monkeypatch.setattr(KeyTable, "naming", naming)

    def preflight(origin: str) -> Any:
        told = without(shared, **{"Origin": origin, "Access-Control-Request-Method": "POST"})
        return shared.client.options("/v1/track", headers=told)

    problem(preflight("https://away.example"), 403, "forbidden_origin")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert not shared.resources.guard.ring.unknown("https://away.example"), "it is looked for again"
    problem(preflight("https://broken.example"), 500, "internal_error")


def test_a_wrong_key_is_a_401_also_when_the_keys_are_read_anew_right_after_it_was_looked_for(
    shared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = shared.resources.guard.ring
    real = ring.look_up

    def look_up(digest: str) -> None:
        real(digest)
        ring.refresh()  # which forgets what is no key

    monkeypatch.setattr(ring, "look_up", look_up)
    problem(shared.client.get("/v1/placements", headers=bearing("sk_" + "b" * 43)), 401, "unauthorized")


def test_the_limit_of_a_key_is_told_before_it_is_reached_and_when_it_ends(folder: Any) -> None:
    with running(folder, rate_secret=1.0) as shop:
        shop.stop_refilling()
        headers = bearing(make_key(folder, "sk"))
        responses = [shop.client.post("/v1/track", json=VIEW, headers=headers) for _ in range(4)]
        assert [response.status_code for response in responses[:2]] == [200, 200]
        assert responses[0].headers["ratelimit-policy"] == '"key";q=2;w=2'
        assert responses[0].headers["ratelimit"] == '"key";r=1;t=1'
        refused = next(response for response in responses if response.status_code == 429)
        problem(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        refusals = [response for response in responses if response.status_code == 429]
        assert shop.resources.metrics.limited.state() == {("key",): [len(refusals)]}
        other = bearing(make_key(folder, "sk"))
        assert shop.client.post("/v1/track", json=VIEW, headers=other).status_code == 200


def test_one_address_cannot_use_up_a_public_key(folder: Any) -> None:
    with running(folder, rate_address=1.0, trusted_proxies="127.0.0.1") as shop:
        shop.stop_refilling()
        headers = bearing(make_key(folder, "pk"))

        def ask(address: str) -> int:
            client = ("127.0.0.1", 4_000)
            transport = shop.client._transport
            transport.client = client
            told = {**headers, "X-Forwarded-For": f"6.6.6.6, {address}"}
            return int(shop.client.post("/v1/track", json=VIEW, headers=told).status_code)

        assert [ask("198.51.100.1") for _ in range(4)].count(429) >= 1
        assert ask("198.51.100.2") == 200


def test_probes_are_never_limited(folder: Any) -> None:
    with running(folder, rate_address=0.1) as shop:
        shop.stop_refilling()
        assert {shop.client.get("/livez").status_code for _ in range(20)} == {200}
        assert 429 in {shop.client.get("/v1/version", headers=without(shop)).status_code for _ in range(5)}
