"""The real service under `bentoml serve`: what only shows with processes, sockets and signals."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from segment.analytics import Client

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log, Record
from tests.serving.server import ROOT, Server, bentoml, environment, serving
from tests.serving.world import BEANS, DRINKER, LEAVES, MILK, SELDOM, make_key, publish, settings_in
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.slow


def logged(folder: Path, table: Any = EVENTS) -> list[Record]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    records = [record for part in Log(engine, table).scan() for record in part]
    engine.dispose()
    return records


def view(user_id: str, product_id: str, **fields: Any) -> dict[str, Any]:
    return {"event": "Product Viewed", "userId": user_id, "properties": {"product_id": product_id}, **fields}


def test_the_process_that_only_watches_workers_loads_no_application() -> None:
    asked = "import sys, serving.service; print({'serving.app', 'feast', 'mlflow', 'numpy'} & set(sys.modules))"
    line = [sys.executable, "-W", "ignore", "-c", asked]
    assert subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_probes_of_bentoml_and_its_own_pages_stay_behind_the_application(server: Server) -> None:
    assert server.client.get("/livez").status_code == 200
    assert server.client.get("/readyz").status_code == 200
    for path in ("/", "/docs.json", "/healthz", "/schema.json", "/nothing", "/static_content/x"):
        response = server.client.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("DELETE", "/v1/recommendations", "GET, POST"), ("GET", "/v1/batch", "POST"), ("POST", "/livez", "GET")],
)
def test_wrong_methods_name_the_right_ones(server: Server, method: str, path: str, allow: str) -> None:
    response = server.client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    assert response.json()["code"] == "method_not_allowed"


def test_metrics_are_ours_and_show_no_path_and_no_person(server: Server) -> None:
    server.client.get("/v1/customers/ivan@example.com")
    server.client.get("/v1/problems/timeout")
    server.recommend(subject={"user_id": "ivan@example.com"})
    assert server.client.post("/v1/batch", content=b" " * 600_000).status_code == 413
    text = server.client.get("/metrics").text
    assert 'route="/v1/batch",status="413"' in text
    assert 'route=""' not in text
    assert 'route="/v1/problems/{code}"' in text
    assert 'route="unmatched",status="404"' in text
    assert "bentoml" not in text
    assert "ivan" not in text
    assert "ivan" not in server.log.read_text()


def test_segments_own_client_is_understood(server: Server) -> None:
    failures: list[Any] = []
    write_key = make_key(server.folder, "pk")
    client = Client(
        write_key,
        host=server.url,
        gzip=True,
        on_error=lambda error, _: failures.append(error),
        max_retries=1,
        timeout=PATIENCE,
    )
    context = {"timezone": "Europe/Moscow", "ip": "203.0.113.7"}
    client.identify(user_id="sdk", anonymous_id="sdk-device", traits={"email": "sdk@example.com"})
    client.track("sdk", "Product Viewed", {"product_id": "tea-1"}, context, anonymous_id=None)
    client.track(
        "sdk",
        "Order Completed",
        {"order_id": "sdk-1", "total": 7.0, "currency": "EUR", "products": [{"product_id": "tea-2", "quantity": 2}]},
        timestamp=datetime(2026, 11, 20, 18, 0, tzinfo=UTC),
    )
    client.page("sdk", "shop", "Home", anonymous_id="sdk-device")
    client.screen("sdk", "shop", "Home")
    client.group("sdk", "company-7")
    client.alias("sdk-before", "sdk")
    client.track("sdk", "Video Paused")
    client.shutdown()
    assert not failures
    records = [record for record in logged(server.folder) if record.user_id == "sdk"]
    assert sorted(record.type for record in records) == sorted(
        ["identified", "product_viewed", "order_completed", "page_viewed", "screen_viewed", "grouped", "aliased"]
    )
    assert not any("example.com" in record.payload or "203.0.113" in record.payload for record in records)
    assert any("Europe/Moscow" in record.payload for record in records)


def test_an_event_changes_the_very_next_answer_and_both_are_on_disk(server: Server) -> None:
    before = server.recommend(subject={"user_id": "socket"}, limit=5)
    assert before["fallback"] == "popularity"
    assert server.client.post("/v1/track", json=view("socket", "coffee-1")).json()["accepted"] == 1
    after = server.recommend(subject={"user_id": "socket"}, limit=5)
    assert after["fallback"] is None
    assert {item["item_id"] for item in after["items"]} <= {*BEANS, MILK}
    shown = {record.key for record in logged(server.folder, DECISIONS)}
    assert {before["recommendation_id"], after["recommendation_id"]} <= shown
    assert {item["item_id"] for item in server.recommend(subject={"user_id": DRINKER})["items"][:5]} <= {
        *LEAVES,
        MILK,
    }


def test_a_promotion_is_followed_without_a_failed_request(server: Server) -> None:
    outcomes: list[tuple[int, str]] = []
    stop = threading.Event()

    def visit() -> None:
        with httpx.Client(base_url=server.url, timeout=PATIENCE, headers=server.headers) as client:
            while not stop.is_set():
                response = client.post("/v1/recommendations", json={"subject": {"user_id": DRINKER}})
                outcomes.append((response.status_code, response.json().get("model", {}).get("version")))

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    try:
        until(lambda: bool(outcomes), "version 1 answers")
        number = publish(server.folder, half_life=7.0).number
        until(lambda: server.client.get("/v1/version").json()["model"]["version"] == number, "the new version is live")
        count = len(outcomes)
        until(lambda: len(outcomes) > count + 20, "more visits")
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()
    assert {status for status, _ in outcomes} == {200}
    assert {found for _, found in outcomes} == {"1", number}


def test_the_bento_that_is_built_from_pyproject_serves(folder: Path) -> None:
    settings = settings_in(folder, refresh_seconds=SELDOM)
    home = folder / "bentoml"
    home.mkdir()
    build = subprocess.run(
        bentoml("build", ".", "--output", "tag"),
        cwd=ROOT,
        check=False,
        env=environment(settings, home),
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stderr
    source = next((home / "bentos" / "kairos").glob("*/src"))
    packed = {path.relative_to(source).parts[0] for path in source.rglob("*") if path.is_file()}
    assert packed == {"features", "models", "serving", "bentofile.yaml"}
    assert not list(source.rglob("*.db"))
    tag = build.stdout.strip().removeprefix("__tag__:")
    with serving(settings, folder, tag) as server:
        until(lambda: server.client.get("/readyz").status_code == 200, "the bento is ready")
        assert server.recommend(subject={"user_id": DRINKER})["fallback"] is None
