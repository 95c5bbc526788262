"""An e-mail address in every field of every endpoint: nowhere but where ids and texts of the shop are kept; once its
person is erased, nowhere at all."""

import copy
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.app import create_app
from tests.on_disk import bytes_in
from tests.serving.server import Server, serving
from tests.serving.world import NOW, SELDOM, copy_world, settings_in
from tests.waiting import PATIENCE, until

CANARY = "canary.4711@mail.example.org"
USER, VISITOR = f"user-{CANARY}", f"visitor-{CANARY}"

KEPT = {
    "event": {"key", "user_id", "anonymous_id", "payload"},
    "decision": {"user_id", "anonymous_id", "payload"},
    "identity_link": {"id", "user_id"},
    "cart": {"customer_id", "user_id", "anonymous_id", "payload"},
    "product": {"product_id", "payload"},
    "kept_answer": {"body"},
    "privacy_job": {"person", "result"},
    "personalization": {"id"},
    "activity": {"type"},
}
"""The columns in which an id or a text that a shop sends may stand; docs/privacy.md says what each is for."""

_FREE = {"type", "placement", "decision_point", "trigger_type", "consent", "mode"}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value texts stand, and where more could."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*at, name))
        yield (*at, "email")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from places(inner, (*at, place))
    elif isinstance(value, str):
        yield at


def planted(value: Any, at: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = CANARY
    return changed


def everywhere(value: Any) -> Any:
    """The canary in every text that is free."""
    changed = copy.deepcopy(value)
    for at in places(value):
        if at[-1] not in _FREE and at[-1] != "email":
            changed = planted(changed, at)
    return changed


def bodies(described: dict[str, Any], operation: dict[str, Any]) -> Iterator[Any]:
    """What an operation takes, with the canary in each field by itself, and in all of them."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for one in (schema, *schema.get("anyOf", ())):
        for example in one.get("examples", ()):
            yield everywhere(example)
            for at in places(example):
                yield planted(example, at)


def spoken(described: dict[str, Any]) -> Iterator[httpx.Request]:
    """A request for each field of each operation: in the body, the query, the path and the headers."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/privacy"):
                continue
            target = path.replace("{code}", CANARY)
            query = {one["name"]: CANARY for one in operation.get("parameters", ()) if one["in"] == "query"}
            headers = dict.fromkeys(("X-Request-Id", "User-Agent", "Referer", "Cookie", "X-Forwarded-For"), CANARY)
            yield httpx.Request(method, f"http://shop{target}", params=query, headers=headers)
            for name in query:
                yield httpx.Request(method, f"http://shop{target}", params={name: CANARY})
            for body in bodies(described, operation):
                yield httpx.Request(method, f"http://shop{target}", params={}, json=body)
    yield httpx.Request("POST", f"http://shop/v1/{CANARY}", content=CANARY.encode())
    yield httpx.Request("POST", "http://shop/v1/track", content=f'{{"userId": "{CANARY}'.encode())
    yield httpx.Request("POST", "http://shop/v1/track", json={}, headers={"Authorization": f"Bearer {CANARY}"})


def by_her() -> Iterator[tuple[str, dict[str, Any]]]:
    """What one person does under ids that hold the address."""
    said = {"userId": USER, "anonymousId": VISITOR, "timestamp": NOW.isoformat()}
    tea = {"product_id": "tea-1", "email": CANARY}
    yield "/v1/identify", {**said, "traits": {"email": CANARY, "phone": CANARY, "name": CANARY}}
    for event in ("Product Viewed", "Product Added"):
        yield "/v1/track", {**said, "event": event, "properties": tea}
    yield "/v1/track", {**said, "event": "Products Searched", "properties": {"query": CANARY}}
    yield "/v1/recommendations", {"subject": {"user_id": USER, "anonymous_id": VISITOR}, "placement": "home"}
    trigger = {"id": f"cart-of-{CANARY}", "type": "cart_abandoned", "at": NOW.isoformat()}
    yield "/v1/decisions", {"decision_point": "cart_recovery", "subject": {"user_id": USER}, "trigger": trigger}
    yield "/v1/consents", {"subject": {"user_id": USER}, "channel": "email", "consent": "granted"}
    yield "/v1/carts/abandoned", {}


def columns_with(path: Path, text: str) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(table, row[1]) for table in tables for row in connection.execute(f'PRAGMA table_info("{table}")')]
        return {
            (table, column)
            for table, column in columns
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE instr("{column}", ?)', (text,)).fetchone()
        }


def files_with(folder: Path, text: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path, content in bytes_in(folder) if text.encode() in content}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = copy_world(world, tmp_path_factory.mktemp("canary") / "shop")
    settings = settings_in(folder, refresh_seconds=SELDOM, rate_failures=1_000.0, rate_address=10_000.0)
    with serving(settings, folder) as found:
        until(lambda: found.client.get("/readyz").status_code == 200, "the champion is live")
        yield found


def test_the_address_stands_where_ids_and_texts_are_kept_and_nowhere_else(server: Server) -> None:
    count = 0
    for request in spoken(create_app().openapi()):
        headers = {**server.headers, **dict(request.headers)}
        headers.pop("host")
        response = server.client.request(request.method, request.url.raw_path.decode(), content=request.content,
                                         headers=headers)  # fmt: skip
        assert response.status_code != 500, (request.method, request.url, request.content)
        count += 1
    assert count > 200
    assert CANARY not in server.client.get("/metrics").text
    assert CANARY not in server.log.read_text()
    assert not files_with(server.folder / "bentoml", CANARY)
    assert columns_with(server.folder / "mlflow.db", CANARY) == set()
    found = columns_with(server.folder / "kairos.db", CANARY)
    assert {table for table, _ in found} >= {"event", "decision"}
    assert {(table, column) for table, column in found if column not in KEPT.get(table, ())} == set()


def test_once_its_person_is_erased_it_stands_in_no_file(server: Server) -> None:
    with closing(sqlite3.connect(server.folder / "kairos.db")) as connection:
        known = set(connection.execute("SELECT DISTINCT user_id, anonymous_id FROM event"))
        known |= set(connection.execute("SELECT DISTINCT user_id, anonymous_id FROM decision"))
    for path, body in by_her():
        assert server.client.post(path, json=body).status_code in (200, 202), path
    assert {"event", "decision", "identity_link"} <= {
        table for table, _ in columns_with(server.folder / "kairos.db", USER)
    }
    subjects = [{"user_id": user} if user else {"anonymous_id": visitor} for user, visitor in known if user or visitor]
    hers = [one for one in subjects if CANARY in str(one)]
    asked = [
        server.client.post("/v1/privacy/erase", json={"subject": one}).json()["job_id"]
        for one in [*hers, {"user_id": USER}]
    ]

    def receipts() -> list[Any]:
        return [server.client.get("/v1/jobs", params={"id": job}).json() for job in asked]

    patience = PATIENCE * len(asked)  # one after the other
    until(lambda: {one["state"] for one in receipts()} <= {"done", "failed"}, "the erasures are done", patience)
    assert {one["state"] for one in receipts()} == {"done"}
    assert CANARY not in str(receipts())
    assert files_with(server.folder, USER) | files_with(server.folder, VISITOR) == set()
