"""Headers against what browsers do by themselves; the page of the docs runs its own files and nothing else."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.serving.world import DRINKER, Shop


@pytest.mark.parametrize("path", ["/v1/version", "/v1/nothing", "/livez", "/metrics", "/v1/placements", "/v1/docs"])
def test_every_answer_is_what_it_says_and_stands_in_no_frame(shared: Shop, path: str) -> None:
    headers = shared.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_no_cache_keeps_what_is_about_a_person(shared: Shop) -> None:
    asked = {"subject": {"user_id": DRINKER}}
    for response in (
        shared.client.post("/v1/recommendations", json=asked),
        shared.client.post("/v1/recommendations", json={"x": 1}),
        shared.client.post("/v1/recommendations", json=asked, headers={"Authorization": "Bearer x"}),
        shared.client.get("/v1/catalog/items"),
    ):
        assert response.headers.get_list("cache-control") == ["no-store"]


def test_the_page_of_the_docs_runs_the_script_that_it_holds_and_no_other(shared: Shop) -> None:
    page = shared.client.get("/v1/docs")
    policy = page.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    sources = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert sources["default-src"] == "'none'"
    assert "'unsafe-inline'" not in sources["script-src"]
    assert "http" not in policy
