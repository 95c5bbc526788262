"""The verb keeps `policy-value` and `uplift` of every decision point, with the gate's words and the bank's shares."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.database import open_database
from features.reports.finding import Finding, to_text
from features.reports.policy_value import PolicyValue
from features.reports.table import ReportTable
from features.reports.uplift import Uplift
from models.registry import Registry
from pipelines.learn import learn_once
from pipelines.policies import deciders
from pipelines.report import report
from pipelines.reports.policy_value import verdicts
from pipelines.settings import Settings
from pipelines.train_policy import train_policy
from tests.training.policy.planted import POINT, START, Planted, hours, logs_at

LATER = START + timedelta(days=60)


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path) -> Settings:
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'kairos.db'}",
        history=tmp_path / "history",
        feature_data=tmp_path / "features",
        mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        mlflow_artifacts=str(tmp_path / "artifacts"),
    )


def test_every_point_has_both_reports_and_an_empty_shop_has_them_too(settings: Settings) -> None:
    shop = Planted(kept=logs_at(settings.database_url))
    for number in range(30):
        shop.decided(f"d{number}", f"c{number}", START + hours(number), arm="policy" if number % 5 else "holdout")
        shop.ordered(f"c{number}", START + hours(number + 3), "20")
    assert shop.logs.decisions.last_position() == 30
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    done = report(settings, registry, ["policy-value", "uplift"], LATER, LATER, lambda *_: None)
    table, points = ReportTable(open_database(settings.database_url)), deciders(settings)["cart-policy"].points
    assert {one.name for one in done} == {"policy-value", "uplift"}
    for one in done:
        assert set(one.scopes) >= set(points)
        assert len(one.scopes) > 3
    value, caused = table.read("policy-value", POINT, PolicyValue), table.read("uplift", POINT, Uplift)
    assert value is not None
    assert caused is not None
    assert (value.decisions, value.policy, value.version) == (30, "cart-policy", None)
    assert {group.arm: group.customers for group in caused.groups} == {"policy": 24, "random": 0, "holdout": 6}
    assert {group.arm: group.share for group in caused.groups}["holdout"] == 0.05
    nothing = table.read("uplift", "browse", Uplift)
    assert nothing is not None
    assert (nothing.customers, nothing.contrasts, nothing.weeks) == (0, (), ())


def test_verdicts_are_those_of_versions_that_the_gate_was_asked_about(settings: Settings) -> None:
    registry, now = Registry(settings.mlflow_uri, settings.mlflow_artifacts), datetime.now(UTC)
    trained = train_policy(settings, registry, "cart-policy", None, fresh=True, as_of=now)
    (said,) = verdicts(registry, "cart-policy")
    assert (said.version, said.gate) == (trained.version.number, "pending")
    assert [one.code for one in said.findings] == ["frozen"]
    found = Finding.of("not_better", {"least": -0.5})
    told = {"gate": "refused", "gate.words": "not better", "gate.champion": "7", "gate.findings": to_text([found])}
    registry.tag(trained.version, told)
    (said,) = verdicts(registry, "cart-policy")
    assert (said.gate, said.words, said.champion) == ("refused", "not better", "7")
    assert (said.findings, said.canary_findings) == ((found,), ())
    registry.tag(trained.version, {"gate": "same policy"})
    assert verdicts(registry, "cart-policy") == []
    assert learn_once(settings, registry, ["cart-policy"], now)["cart-policy"].learned.live is None
