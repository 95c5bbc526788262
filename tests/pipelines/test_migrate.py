"""The verb that a new version is started behind: it says what it did, and a second one finds nothing to do."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from typer.testing import CliRunner

from features.alone import TABLES, Taken
from features.database import open_database
from features.migrations.upgrade import newest
from models.registry import Registry
from pipelines import migrate as verb
from pipelines.__main__ import app
from tests.features.leases import alone_for_ages
from tests.features.migrations.conftest import empty_url
from tests.features.migrations.databases import made_of
from tests.features.migrations.test_upgrade import RELEASED
from tests.waiting import BEGINS

__all__ = ["empty_url"]

ROOT = Path(__file__).parents[2]
PATIENT = """
from tests.features.patient import be_patient
be_patient()
from pipelines.__main__ import main
main()
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow: Path) -> str:
    """The address of a database that nobody made yet, beside an MLflow that is there."""
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("KAIROS_DATABASE_URL", address := f"sqlite:///{tmp_path / 'var' / 'kairos.db'}")
    monkeypatch.setenv("KAIROS_MLFLOW_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return address


def migrate() -> dict[str, Any]:
    result = CliRunner().invoke(app, ["migrate", "--json"])
    assert result.exception is None, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_an_empty_database_is_made_once(url: str) -> None:
    assert migrate() == {"database": url, "before": None, "now": newest(), "applied": [newest()]}
    assert migrate() == {"database": url, "before": newest(), "now": newest(), "applied": []}
    open_database(url).dispose()


def test_an_old_one_is_completed_and_keeps_its_rows(url: str, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    made_of(url, RELEASED[0].read_text()).dispose()
    assert migrate()["now"] == newest()
    engine = open_database(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM event")).scalar() == 2
    engine.dispose()


def test_one_that_is_too_new_is_left_alone_and_said_so(url: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE kairos_version SET version_num = '9001', works_from = '9001'"))
    engine.dispose()
    result = CliRunner().invoke(app, ["migrate"])
    assert isinstance(result.exception, RuntimeError)
    assert "9001" in str(result.exception)


def test_tables_of_mlflow_are_there_afterwards(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    really = Registry.alias

    def alias(registry: Registry, name: str, alias: str) -> Any:
        seen.append(registry.uri)
        return really(registry, name, alias)

    monkeypatch.setattr(Registry, "alias", alias)
    migrate()
    assert seen == [f"sqlite:///{tmp_path / 'mlflow.db'}"]
    mlflow = create_engine(seen[0])
    with mlflow.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM registered_models")).scalar() == 0
    mlflow.dispose()


def test_who_comes_while_another_makes_them_waits(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(url)
    monkeypatch.setattr(verb, "_PATIENCE", timedelta(0))
    monkeypatch.setattr(verb, "alone", alone_for_ages)
    with alone_for_ages(engine, TABLES, lambda: datetime.now(UTC)):
        result = CliRunner().invoke(app, ["migrate"])
    assert isinstance(result.exception, Taken)
    assert f"process {os.getpid()} does this now" in str(result.exception)
    engine.dispose()
    assert migrate()["now"] == newest()


@pytest.mark.slow
def test_two_at_once_on_a_new_installation_both_end_well(empty_url: str, tmp_path: Path) -> None:
    """As two replicas of the chart do; MLflow's tables are not there either, nor is Feast's registry."""
    mlflow = empty_url if empty_url.startswith("postgresql") else f"sqlite:///{tmp_path / 'mlflow.db'}"
    feast = empty_url if empty_url.startswith("postgresql") else f"sqlite:///{tmp_path / 'feast.db'}"
    settings = {
        "KAIROS_DATABASE_URL": empty_url,
        "KAIROS_MLFLOW_URI": mlflow,
        "KAIROS_FEAST_REGISTRY": feast,
        "KAIROS_FEATURE_DATA": str(tmp_path / "features"),
    }
    line = [sys.executable, "-c", PATIENT, "migrate", "--json"]
    started = [
        subprocess.Popen(
            line, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        said = [one.communicate(timeout=BEGINS) for one in started]
    finally:
        for one in started:
            one.kill()
    assert [one.returncode for one in started] == [0, 0], said
    assert sorted(json.loads(out)["applied"] for out, _ in said) == [[], [newest()]]


def test_no_password_is_printed(url: str, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = make_url(postgresql_url).set(password="open-sesame").render_as_string(hide_password=False)
    monkeypatch.setenv("KAIROS_DATABASE_URL", address)
    told = migrate()
    assert told["now"] == newest()
    assert "open-sesame" not in json.dumps(told)
