"""The verbs about persons do what the service does, when it does not run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.database import open_database
from features.log import EVENTS, Log
from features.person import Person
from pipelines.__main__ import app
from pipelines.privacy import places, resume
from pipelines.settings import Settings
from tests.features.privacy.world import AS_OF, HER, HIM, PHONE, Clock, build_world

ORDERS = """type,occurred_at,user_id,order_id,product_id
Order Completed,2026-11-01T10:00:00Z,her-user,o1,milk
Order Completed,2026-11-01T11:00:00Z,him-user,o2,milk
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A filled shop, which the environment names."""
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    engine = open_database(url)
    build_world(engine, tmp_path)
    engine.dispose()
    values = {"database_url": url, "feature_data": tmp_path / "features", "history": tmp_path / "history"}
    values["privacy_key"] = tmp_path / "privacy.key"
    for name, value in values.items():
        monkeypatch.setenv(f"KAIROS_{name.upper()}", str(value))
    return Settings()


def run(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def kept(settings: Settings) -> set[str | None]:
    return {record.user_id for record in Log(open_database(settings.database_url), EVENTS).read()}


def test_an_export_an_erasure_and_an_import_that_does_not_bring_her_back(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "her.json"
    run("privacy", "export", "--anonymous", PHONE, "--out", str(out))
    assert HER in json.loads(out.read_text())["user_ids"]
    receipt = run("privacy", "erase", "--anonymous", PHONE)
    assert (receipt["kind"], receipt["state"]) == ("erase", "done")
    assert kept(settings) == {HIM, None}
    (tmp_path / "orders.csv").write_text(ORDERS)
    report = run("ingest", str(tmp_path / "orders.csv"))
    assert (report["events"], report["duplicates"], report["suppressed"]) == (1, 0, 1)
    assert kept(settings) == {HIM, None}
    assert run("privacy", "suppress", "--user", HER, "--lift") == {"ids": 1, "suppressed": False}
    assert run("ingest", str(tmp_path / "orders.csv"))["events"] == 1
    assert kept(settings) == {HIM, HER, None}


def test_what_waits_is_done_by_whoever_comes(settings: Settings) -> None:
    there = places(settings)
    there.jobs.submit("export", Person(HIM, (HIM,), ()), ["hash"], AS_OF)
    assert resume(settings, Clock())["steps"] == 1


def test_retention_keeps_for_ever_where_nothing_is_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOWN", "FEATURES", "JOBS"):
        monkeypatch.setenv(f"KAIROS_RETENTION_{name}_DAYS", "100000")
    assert set(run("privacy", "retention").values()) == {0}
