"""The series that the chart and Compose run by schedule, as they are rendered: a new shop is no failure of them."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, to_record
from tests.deploy.test_chart import rendered
from tests.deploy.test_files import DEPLOY, ROOT

STUB = '#!/bin/sh\necho "$@" >> "$SAID"\n[ "$*" != "-m pipelines --scheduled restock score" ]\n'


def series() -> dict[str, str]:
    """Every script that a schedule runs, by its name."""
    jobs = [one for one in rendered({}) if one["kind"] == "CronJob"]
    found = {}
    for job in jobs:
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["sh", "-ec"]
        found[job["metadata"]["name"].removeprefix("shop-")] = container["args"][0]
    nightly = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]["nightly"]
    assert nightly["entrypoint"] == ["sh", "-ec"]
    found["compose nightly"] = nightly["command"][0].replace("$$", "$")
    return found


def run(script: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    line = ["sh", "-ec", script]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> dict[str, str]:
    """The environment of verbs in a shop of its own."""
    folder = tmp_path_factory.mktemp("new")
    (folder / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KAIROS_DATABASE_URL": f"sqlite:///{folder / 'kairos.db'}",
        "KAIROS_HISTORY": str(folder / "history"),
        "KAIROS_FEATURE_DATA": str(folder / "features"),
        "KAIROS_MLFLOW_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "KAIROS_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
        "KAIROS_JOURNAL": str(folder / "journal"),
        "KAIROS_PRIVACY_KEY": str(folder / "privacy.key"),
    }


def sell(url: str) -> None:
    """Three days of orders."""
    engine = open_database(url)
    began = datetime.now(UTC) - timedelta(days=4)
    log = Log(engine, EVENTS)
    for number in range(30):
        at = began + timedelta(hours=2 * number)
        body = Body(order_id=f"o{number}", lines=(Line(product_id=f"p{number % 4}"),))
        told: dict[str, Any] = {
            "message_id": f"m{number}",
            "type": "order_completed",
            "user_id": f"u{number % 6}",
            "body": body,
        }
        log.append([to_record(Event(occurred_at=at, received_at=at, **told))])
    engine.dispose()


@pytest.mark.slow
def test_a_shop_without_events_and_one_without_a_model_let_every_series_end_well(
    places: dict[str, str], tmp_path: Path
) -> None:
    scripts = {name: script.replace("/data/", f"{tmp_path}/") for name, script in series().items()}
    done = run(scripts["nightly"], places)
    assert done.returncode == 0, done.stderr
    assert "nothing to do yet: no history" in done.stderr
    sell(places["KAIROS_DATABASE_URL"])
    compose = scripts.pop("compose nightly").splitlines()
    assert compose[:-2] == scripts["nightly"].splitlines()[:-1], "one of the two is enough to run"
    for name, script in scripts.items():
        done = run(script, places)
        assert done.returncode == 0, (name, done.stderr)
        assert "Traceback" not in done.stderr, name
        if name in ("nightly", "due"):
            assert "train replenishment" in done.stderr, "somebody who reads the log learns what to do"
    assert (Path(places["KAIROS_FEATURE_DATA"]) / "online.db").exists(), "features are online all the same"
    asked = subprocess.run(
        [sys.executable, "-m", "pipelines", "restock", "score"],
        cwd=ROOT,
        env=places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode, "promote replenishment" in asked.stderr) == (1, True)


@pytest.mark.parametrize("name", ["nightly", "compose nightly"])
def test_a_verb_that_fails_keeps_none_from_running_and_is_told_at_the_end(name: str, tmp_path: Path) -> None:
    stub, said = tmp_path / "python", tmp_path / "said"
    stub.write_text(STUB)
    stub.chmod(0o755)
    done = run(series()[name], {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(said)})
    assert done.returncode == 1
    assert "-m pipelines --scheduled features materialize" in said.read_text().splitlines()
    assert said.read_text().splitlines()[-1].endswith("report" if name == "nightly" else "retention")
