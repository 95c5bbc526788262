"""The reports of a decision point over HTTP: read, never computed, and only with the scope for it."""

from typing import Any

import pytest

from serving.access.scopes import Kind
from tests.serving.reports.reported import COUNT
from tests.serving.world import Shop, bearing, make_key

POINTS = ("funnel", "heatmap")


def test_what_was_decided_is_what_is_counted(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/funnel").json()
    assert told["decision_point"] == "cart_recovery"
    counts = {stage["name"]: stage["count"] for stage in told["stages"]}
    assert (counts["decided"], counts["to_send"], told["immature"]) == (COUNT, COUNT * 3 // 4, 1)
    assert told["claimed"] == COUNT // 10


def test_every_message_is_in_the_heat_map_at_its_local_hour(reported: Shop) -> None:
    told = reported.client.get("/v1/reports/heatmap").json()
    sends = next(one["sends"] for one in told["grids"] if one["channel"] is None and one["segment"] is None)
    assert (len(sends), sum(sends)) == (168, COUNT * 3 // 4)
    assert sends[6 * 24 + 22] == 1, "sent at 13:00 UTC of a Sunday, which is 22:00 in Tokyo"
    assert sends[6 * 24 + 13] == 0
    assert told["closed"]["email"][23] == 1.0
    assert told["closed"]["email"][12] == 0.0


@pytest.mark.parametrize("name", POINTS)
def test_a_point_is_asked_by_name_and_one_that_is_not_there_is_not_found(reported: Shop, name: str) -> None:
    first = reported.client.get(f"/v1/reports/{name}")
    same = reported.client.get(f"/v1/reports/{name}", params={"decision_point": "cart_recovery"})
    other = reported.client.get(f"/v1/reports/{name}", params={"decision_point": "campaign"})
    nowhere = reported.client.get(f"/v1/reports/{name}", params={"decision_point": "nowhere"})
    assert first.json() == same.json() != other.json()
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "/v1/problems/not_found")
    assert "cart_recovery" in nowhere.json()["detail"]


@pytest.mark.parametrize("name", [*POINTS, "segments"])
def test_what_was_not_computed_says_how_to(shared: Shop, name: str) -> None:
    answer = shared.client.get(f"/v1/reports/{name}")
    assert answer.status_code == 404
    assert f"python -m pipelines report {name}" in answer.json()["detail"]


@pytest.mark.parametrize("path", [*POINTS, "segments", "segments/customers?segment=decile-1"])
def test_keys_of_shops_may_not_read_them(reported: Shop, path: str) -> None:
    kinds: tuple[Kind, ...] = ("pk", "sk")
    for kind in kinds:
        told: dict[str, Any] = {"origins": ("https://shop.example",)} if kind == "pk" else {}
        key = make_key(reported.folder, kind, **told)
        assert reported.client.get(f"/v1/reports/{path}", headers=bearing(key)).status_code == 403
