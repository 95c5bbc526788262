"""The verbs about policies, as a person calls them."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from typer.testing import CliRunner

from models.published import CANARY, CHALLENGER, CHAMPION
from models.registry import Registry
from pipelines.__main__ import app
from pipelines.learn import learn_again
from pipelines.policies import decider, deciders
from pipelines.settings import Settings
from tests.training.policy.planted import MODEL, START, Planted, hours, logs_at

LATER = START + timedelta(days=20)


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Everything in a folder of its own, for whoever reads the environment too."""
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    places = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'kairos.db'}",
        "MLFLOW_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "MLFLOW_ARTIFACTS": str(tmp_path / "artifacts"),
    }
    for name, value in places.items():
        monkeypatch.setenv(f"KAIROS_{name}", value)
    return Settings()


@pytest.fixture
def shop(settings: Settings) -> Planted:
    """Ten decisions and what came of them."""
    planted = Planted(logs_at(settings.database_url))
    for number in range(10):
        planted.decided(f"d{number}", f"c{number}", START + hours(number), send=False)
    planted.ordered("c3", START + hours(20), "30")
    assert planted.logs.decisions.last_position() == 10
    return planted


@pytest.fixture
def registry(settings: Settings) -> Registry:
    """Where versions are."""
    return Registry(settings.mlflow_uri, settings.mlflow_artifacts)


def run(*words: str) -> Any:
    """What a verb prints with `--json`."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exception is None, result.output
    return json.loads(result.stdout)


def failed(*words: str) -> str:
    """The error that ended a verb."""
    result = CliRunner().invoke(app, [*words])
    assert result.exception is not None
    return str(result.exception)


def test_from_the_rule_to_a_champion_that_has_learned(shop: Planted, registry: Registry) -> None:
    until = ("--until", LATER.strftime("%Y-%m-%d"))
    assert run("learn", MODEL, *until)[MODEL]["words"].startswith(f"{MODEL} has no champion")
    trained = run("train", "policy", MODEL, "--fresh", *until)
    assert (trained["version"], trained["decisions"], trained["recipe"]) == ("1", 0, "factored")
    series = registry.load(registry.version(MODEL, "1")).recipe.rule.series
    assert [(one.channel, one.delay, one.argument) for one in series] == [
        (one.channel, one.delay, one.argument) for one in deciders(Settings())[MODEL].points["cart_recovery"].rule
    ]
    assert run("promote", MODEL, "--why", "the first") == {"live": "1", "replaced": None}
    first = run("learn", MODEL, *until)[MODEL]
    told = {"live": "2", "moved": True, "decisions": 10, "matured": 10, "words": "", "canary": None, "pruned": 0}
    assert first == told
    assert run("learn", MODEL, *until)[MODEL]["moved"] is False
    assert len(registry.versions(MODEL)) == 2
    trained = run("train", "policy", MODEL, *until)
    assert (trained["version"], trained["decisions"]) == ("3", 10)
    judged = run("evaluate", "policy", MODEL, *until, "--out", "report")
    assert (judged["gate"], judged["decisions"], "too_few_decisions" in judged["refusals"]) == ("pending", 0, True)
    assert judged["groups"]["policy"] == {"customers": 10, "episodes": 10, "value": 1.5, "policy_above": None}
    assert {path.name for path in Path("report").iterdir()} == {
        "estimates.csv",
        "groups.csv",
        "groups.png",
        "report.md",
    }
    refused = failed("promote", MODEL, "--why", "please")
    assert "did not pass the gate (pending)" in refused
    assert "0 matured decisions since it was frozen" in refused
    aliases = {name: registry.alias(MODEL, name) for name in (CHAMPION, CHALLENGER, CANARY)}
    assert {name: version and version.number for name, version in aliases.items()} == {
        CHAMPION: "2",
        CHALLENGER: "3",
        CANARY: None,
    }
    assert shop.logs.decisions.last_position() == 10


def test_in_words(shop: Planted, registry: Registry) -> None:
    assert shop.count == 1
    told = CliRunner().invoke(app, ["train", "policy", MODEL, "--fresh"]).output
    assert "cart-policy 1 (factored) starts from the rule." in " ".join(told.split())
    assert registry.alias(MODEL, CHALLENGER) is not None
    told = CliRunner().invoke(app, ["learn"]).output
    assert "cart-policy has no champion" in " ".join(told.split())


def test_what_is_not_there_is_said_with_what_is(settings: Settings) -> None:
    assert "the action bank names cart-policy" in failed("train", "policy", "magic")
    assert "the action bank names cart-policy" in failed("learn", "magic")
    assert "has no challenger" in failed("evaluate", "policy", MODEL)
    assert "there are rule, uniform" in failed("train", "policy", MODEL, "--recipe", "magic")
    assert "a recommender is live; `python -m pipelines demo`" in failed("simulate")
    assert decider(settings, MODEL).points.keys() == {"cart_recovery"}


def test_a_frozen_point_freezes_its_policy(settings: Settings, tmp_path: Path) -> None:
    assert not decider(settings, MODEL).frozen
    for mode, frozen in {"frozen": True, "off": True, "shadow": False, "canary": False}.items():
        path = tmp_path / f"{mode}.toml"
        path.write_text(f'[points.cart_recovery]\nmode = "{mode}"\n')
        assert decider(settings.model_copy(update={"action_bank": path}), MODEL).frozen is frozen


def test_the_loop_goes_on_after_a_run_that_failed(
    shop: Planted, settings: Settings, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.alone._seconds", lambda: 0.0)  # a machine that stands still fails no run
    assert shop.count == 1
    moments: list[float] = []
    learner = current_thread()  # beside it a thread that keeps the lease asks the clock

    def clock() -> datetime:
        if len(moments) == 1 and current_thread() is learner:
            raise ConnectionError("the database is away")
        return LATER

    runs = list(islice(learn_again(settings, registry, [MODEL], 7.0, clock, moments.append), 3))
    assert [isinstance(one, Exception) for one in runs] == [False, True, False]
    assert moments == [7.0, 7.0]
    assert LATER.tzinfo is UTC
