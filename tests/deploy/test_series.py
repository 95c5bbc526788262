"""The series that the chart and Compose run by schedule, as they are rendered: a new shop is no failure of them."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, to_record
from pipelines.__main__ import main
from tests.deploy.test_chart import rendered
from tests.deploy.test_files import DEPLOY

STUB = '#!/bin/sh\necho "$@" >> "$SAID"\n[ "$*" != "$FAILS" ]\n'


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


def asked(script: str, folder: Path, fails: str = "") -> tuple[int, list[str]]:
    """How a script ends, and the command lines of Python that it runs; one that is `fails` fails."""
    stub, said = folder / "python", folder / "said"
    stub.write_text(STUB)
    stub.chmod(0o755)
    said.unlink(missing_ok=True)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SAID": str(said), "FAILS": fails}
    done = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, said.read_text().splitlines()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[Any, str]]:
    """A command line of `python -m pipelines` here, where the libraries are loaded: how it ends, and what it says."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def ends(line: str) -> tuple[Any, str]:
        module, *arguments = line.removeprefix("-m ").split()
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return code, capsys.readouterr().err

    return ends


@pytest.fixture
def places(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of verbs in a shop of its own."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    for name, value in {
        "DATABASE_URL": f"sqlite:///{folder / 'kairos.db'}",
        "HISTORY": folder / "history",
        "FEATURE_DATA": folder / "features",
        "MLFLOW_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_ARTIFACTS": folder / "artifacts",
        "JOURNAL": folder / "journal",
        "PRIVACY_KEY": folder / "privacy.key",
    }.items():
        monkeypatch.setenv(f"KAIROS_{name}", str(value))
    return folder


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
    places: Path, tmp_path: Path, run: Callable[[str], tuple[Any, str]]
) -> None:
    scripts = {name: script.replace("/data/", f"{tmp_path}/") for name, script in series().items()}
    verbs = {name: asked(script, tmp_path)[1] for name, script in scripts.items()}
    said = [run(line) for line in verbs["nightly"]]
    assert {code for code, _ in said} == {0}, said
    assert any("nothing to do yet: no history" in words for _, words in said)
    sell(f"sqlite:///{places / 'kairos.db'}")
    assert verbs.pop("compose nightly")[:-1] == verbs["nightly"], "one of the two is enough to run"
    for name, lines in verbs.items():
        said = [run(line) for line in lines]
        assert {code for code, _ in said} == {0}, (name, said)
        if name in ("nightly", "due"):
            words = "".join(words for _, words in said)
            assert "train replenishment" in words, "somebody who reads the log learns what to do"
    assert (places / "features" / "online.db").exists(), "features are online all the same"
    code, words = run("-m pipelines restock score")
    assert (code, "promote replenishment" in words) == (1, True)


@pytest.mark.parametrize("name", ["nightly", "compose nightly"])
def test_a_verb_that_fails_keeps_none_from_running_and_is_told_at_the_end(name: str, tmp_path: Path) -> None:
    code, lines = asked(series()[name], tmp_path, fails="-m pipelines --scheduled restock score")
    assert code == 1
    assert "-m pipelines --scheduled features materialize" in lines
    assert lines[-1].endswith("report" if name == "nightly" else "retention")
