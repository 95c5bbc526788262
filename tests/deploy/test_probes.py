"""The probes that chart and Compose name, asked of a service: a new shop gets traffic, and none gets it too early."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.versions import Versions
from tests.deploy.test_chart import rendered
from tests.deploy.test_files import DEPLOY
from tests.serving.world import DRINKER, Shop, running
from tests.waiting import until


def probes() -> dict[str, str]:
    """By who asks: the path that says whether a replica gets requests."""
    (stateful,) = [one for one in rendered({}) if one["kind"] == "StatefulSet"]
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    (told,) = {
        str(one["healthcheck"]["test"]) for name, one in compose["services"].items() if name in ("quick", "service")
    }
    return {
        "chart": container["readinessProbe"]["httpGet"]["path"],
        "compose": re.findall(r"127\.0\.0\.1:3000(/\w+)", told)[0],
    }


@pytest.fixture
def empty(folder: Path) -> Iterator[Shop]:
    """A shop on its first day: nobody has trained a model."""
    with running(folder, ready=False, mlflow_uri=f"sqlite:///{folder / 'empty.db'}") as shop:
        yield shop


@pytest.mark.parametrize("who", ["chart", "compose"])
def test_a_shop_without_a_model_gets_traffic_and_takes_events_in(empty: Shop, who: str) -> None:
    until(lambda: empty.client.get(probes()[who]).status_code == 200, "the first look at the registry is over")
    assert empty.track("Product Viewed", {"product_id": "tea-1"}, userId="u")["accepted"] == 1
    assert empty.client.get("/readyz").status_code == 503
    assert empty.client.post("/v1/recommendations", json={}).json()["code"] == "model_unavailable"


@pytest.mark.parametrize("who", ["chart", "compose"])
def test_a_replica_gets_no_traffic_before_it_has_what_others_have(
    folder: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    candidate = Versions.candidate

    def slow(versions: Versions[Any, Any]) -> Any:
        looked.wait()
        return candidate(versions)

    monkeypatch.setattr(Versions, "candidate", slow)
    monkeypatch.setattr("serving.champion._LOADING_SECONDS", 0.0)
    with running(folder, ready=False) as shop:
        answer = shop.client.get(probes()[who])
        looked.set()
        assert (answer.status_code, "being loaded" in answer.text) == (503, True)
        until(lambda: shop.client.get(probes()[who]).status_code == 200, "the champion is live")
        assert shop.recommend(subject={"user_id": DRINKER}, limit=1)["items"]


def test_a_champion_that_cannot_be_loaded_keeps_events_out_for_a_while_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, __: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("models.registry.Registry.load", broken)
    with running(folder, ready=False) as shop:
        until(lambda: "being loaded" not in shop.client.get("/readyz").text, "the first look is over")
        assert shop.client.get("/routez").status_code == 503
        monkeypatch.setattr("serving.champion._SETTLING_SECONDS", 0.0)
        assert shop.client.get("/routez").status_code == 200
