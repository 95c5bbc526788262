"""What a real service writes while it is used and misused: lines of JSON that name nobody, and metrics likewise."""

import json
import re

import pytest

from tests.serving.server import Server
from tests.waiting import until

pytestmark = pytest.mark.slow

CANARY = "canary-7f3a@example.com"


def test_every_line_is_json_and_names_nobody_who_was_spoken_of(server: Server) -> None:
    run = server.folder / "run"
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
    assert CANARY not in server.client.get("/metrics", headers={"X-Request-Id": "last-request"}).text
    assert (run.is_dir(), [CANARY in path.read_text() for path in run.rglob("*.json")]) == (True, [False])
    until(lambda: "last-request" in server.log.read_text(), "the last answer, too, has its line: it comes behind it")
    written = server.log.read_text()
    lines = [json.loads(line) for line in written.splitlines() if _ours(line)]
    assert CANARY not in written
    assert "canary" not in written
    answered = [line for line in lines if line["logger"] == "serving.access"]
    tracked = next(line for line in answered if line.get("request_id") == "known-request")
    assert (tracked["route"], tracked["status"], tracked["method"]) == ("/v1/track", 200, "POST")
    assert tracked["ms"] > 0
    assert tracked["key"]
    assert {line["route"] for line in answered} >= {"/v1/recommendations", "unmatched", "/metrics"}


def _ours(line: str) -> bool:
    """All but what BentoML's supervisor says of itself, in its own form, before its workers live."""
    return re.match(r"\S+ \[\w+\] \[", line) is None
