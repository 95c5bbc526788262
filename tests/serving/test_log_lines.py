"""What a real service writes while it is used and misused: lines of JSON that name nobody, and metrics likewise."""

import json
import re
from pathlib import Path

import pytest

from tests.serving.server import serving
from tests.serving.world import copy_world, settings_in
from tests.waiting import until

pytestmark = pytest.mark.slow

CANARY = "canary-7f3a@example.com"


def test_every_line_is_json_and_names_nobody_who_was_spoken_of(world: Path, tmp_path: Path) -> None:
    folder = copy_world(world, tmp_path / "shop")
    run = folder / "run"
    with serving(settings_in(folder, access_log=True, run_folder=run), folder) as server:
        until(lambda: server.client.get("/readyz").status_code == 200, "the service is ready")
        ids = {"userId": CANARY, "anonymousId": f"device-{CANARY}"}
        said = {"event": "Product Viewed", "properties": {"product_id": "tea-1"}, "messageId": CANARY}
        headers = {"X-Request-Id": "known-request"}
        assert server.client.post("/v1/track", json=ids | said, headers=headers).status_code == 200
        server.recommend(subject={"user_id": CANARY}, limit=2)
        for path, body in (
            ("/v1/track", {"userId": CANARY, "event": 7}),
            ("/v1/recommendations", {"subject": CANARY}),
            (f"/v1/customers/{CANARY}", {}),
            ("/v1/decisions", {"decision_point": CANARY, "subject": {"user_id": CANARY}}),
        ):
            assert server.client.post(path, json=body, params={"q": CANARY}).status_code >= 400
        server.client.post("/v1/track", content=f"{{{CANARY}")
        assert CANARY not in server.client.get("/metrics").text
        assert (run.is_dir(), [CANARY in path.read_text() for path in run.rglob("*.json")]) == (True, [False])
        until(lambda: '"/metrics"' in server.log.read_text(), "the last answer, too, has its line: it comes behind it")
        written = server.log.read_text()
    lines = [json.loads(line) for line in written.splitlines() if _ours(line)]
    assert CANARY not in server.log.read_text()
    assert "canary" not in server.log.read_text()
    answered = [line for line in lines if line["logger"] == "serving.access"]
    tracked = next(line for line in answered if line.get("request_id") == "known-request")
    assert (tracked["route"], tracked["status"], tracked["method"]) == ("/v1/track", 200, "POST")
    assert tracked["ms"] > 0
    assert tracked["key"]
    assert {line["route"] for line in answered} >= {"/v1/recommendations", "unmatched", "/metrics"}


def _ours(line: str) -> bool:
    """All but what BentoML's supervisor says of itself, in its own form, before its workers live."""
    return re.match(r"\S+ \[\w+\] \[", line) is None
