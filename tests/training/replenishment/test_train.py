"""Training publishes a replenishment with all its evidence, through a real MLflow registry, and puts nothing live."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from features.reports.finding import from_text
from models.published import CHALLENGER, CHAMPION
from models.registry import Registry
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from tests.registries import empty_registry
from tests.training.restock import DAYS, FIRST, catalogue, lines
from training.replenishment.assessment import EXPERIMENT, Assessment, assess
from training.replenishment.report import carts, table
from training.replenishment.train import NAME, Trained, figures, parameters, snapshot, train

RECIPE = Replenishment(need=BGNBD(), trips=MeanInterval())
WEAK = Replenishment(need=MeanInterval(), trips=MeanInterval())


@pytest.fixture(scope="module")
def registry(empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return empty_registry(empty_mlflow, tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def first(registry: Registry) -> Trained:
    return train(lines(), catalogue(), registry, np.random.default_rng(0), WEAK)


@pytest.fixture(scope="module")
def second(registry: Registry, first: Trained) -> Trained:
    with pytest.raises(LookupError, match="train replenishment"):
        assess(lines(), catalogue(), registry, np.random.default_rng(0), CHAMPION)
    registry.promote(first.version, "a test", "to have an opponent", datetime(2018, 1, 1, tzinfo=UTC))
    return train(lines(), catalogue(), registry, np.random.default_rng(0), RECIPE)


@pytest.fixture(scope="module")
def found(registry: Registry, second: Trained) -> Assessment:
    assert second.version
    return assess(lines(), catalogue(), registry, np.random.default_rng(0), recipes=["bg_nbd"])


def test_the_version_holds_the_recipe_fitted_on_everything(first: Trained, registry: Registry) -> None:
    published = registry.load(first.version)
    assert published.recipe == WEAK
    assert isinstance(published.model, FittedReplenishment)
    assert published.model.day == FIRST + DAYS - 1
    challenger = registry.alias(NAME, CHALLENGER)
    assert challenger is not None


def test_a_first_model_that_a_formula_beats_is_refused(first: Trained, registry: Registry) -> None:
    assert not first.verdict.passed
    assert first.verdict.opponent == first.timing.best_baseline("concordance").name != "mean interval"
    tags = registry.version(NAME, first.version.number).tags
    assert tags["gate"] == "refused"
    assert tags["gate.words"] == first.verdict.words
    assert from_text(tags["gate.findings"]) == first.verdict.findings


def test_the_champion_sits_the_same_exam_by_its_recipe(second: Trained, registry: Registry) -> None:
    live = registry.alias(NAME, CHAMPION)
    assert live is not None
    assert live.number != second.version.number
    assert second.verdict.passed
    assert second.verdict.opponent == CHAMPION
    its, rule = second.timing.of(CHAMPION), second.timing.of("mean interval")
    assert its.mean("concordance") == rule.mean("concordance")


def test_the_run_keeps_tables_plots_and_words(second: Trained, registry: Registry) -> None:
    client = MlflowClient(registry.uri)
    run = client.get_run(second.version.run_id)
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"evaluation.csv", "carts.csv", "model_card.md", "snapshot.json"} <= files
    assert {"calibration.png", "survival.png", "coverage.png", "carts.png"} <= files
    assert run.data.params["need"] == "bg_nbd"
    assert run.data.params["need.shrinkage"] == str(BGNBD().shrinkage)
    assert run.data.metrics["need/bg_nbd/concordance"] == pytest.approx(
        second.timing.of("bg_nbd").mean("concordance"), abs=1e-9
    )
    assert "need/bg_nbd/8_up/rmae" in run.data.metrics
    assert (
        run.data.metrics["need/bg_nbd/concordance_above_low"] <= run.data.metrics["need/bg_nbd/concordance_above_mean"]
    )


def test_the_snapshot_tells_data_apart() -> None:
    one, other = snapshot(lines()), snapshot(lines(seed=1))
    assert one == snapshot(lines())
    assert one.digest != other.digest
    assert one.until - one.since <= timedelta(days=DAYS)
    assert one.until == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=FIRST + DAYS)


def test_parameters_say_whose_they_are() -> None:
    found = parameters(RECIPE)
    assert found["need"] == "bg_nbd"
    assert found["trips"] == "mean_interval"
    assert found["need.shrinkage"] == BGNBD().shrinkage
    assert found["origins"] == RECIPE.origins


def test_an_assessment_publishes_nothing_and_says_everything(found: Assessment, registry: Registry) -> None:
    numbers = {version.number for version in registry.versions(NAME)}
    names = {outcome.name for outcome in found.timing.outcomes}
    assert {CHAMPION, CHALLENGER, "bg_nbd", "BG/NBD", "constant", "mean interval"} <= names
    assert {version.number for version in registry.versions(NAME)} == numbers
    client = MlflowClient(registry.uri)
    run = client.get_run(found.run_id)
    assert client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    for part in ("The next purchase of a group", "The next order", "By purchases known", "*mean interval*"):
        assert part in found.evidence.card


def test_the_table_has_a_row_for_everybody_and_every_stratum(found: Assessment) -> None:
    rows = table(found.timing, np.random.default_rng(0))
    assert len(rows) == sum(len(outcome.parts) for outcome in found.timing.outcomes)
    assert not rows["rmae"].isna().any()
    ends = rows[[column for column in rows if column.startswith("concordance better")]]
    judged = (rows["purchases"] == "all") & ~rows["model"].isin(found.timing.baselines)
    assert ends[judged & (rows["task"] == "need")].notna().all(axis=None)
    assert ends[~judged].isna().all(axis=None)
    ranked = carts(found.timing)
    assert ranked["recall"].is_monotonic_decreasing


def test_plots_are_of_what_was_found(found: Assessment) -> None:
    drawn = figures(found.timing, np.random.default_rng(0))
    stated = drawn["calibration"].axes[0].lines[0]
    best = found.timing.of(str(stated.get_label()).partition(",")[0])
    assert stated.get_ydata() == pytest.approx(best.parts["all"].reliability[7].observed)
    assert len(drawn["survival"].axes) == len(found.timing.seen["need"])
    names = {label.get_text() for label in drawn["carts"].axes[0].get_yticklabels()}
    assert names == set(found.timing.carts)


@pytest.mark.parametrize(
    ("model", "recipes", "words"),
    [("nobody", [], "choose one of"), ("all", ["nobody"], "there are")],
)
def test_who_is_not_there_is_named(model: str, recipes: list[str], words: str, registry: Registry) -> None:
    with pytest.raises(LookupError, match=words):
        assess(lines(), catalogue(), registry, np.random.default_rng(0), model, recipes)


def test_lines_of_an_empty_shop_are_refused(registry: Registry) -> None:
    true = lines()
    nothing = np.zeros(0, np.int32)
    empty = replace(true, customers=nothing, products=nothing, days=nothing, packs=np.zeros(0), prices=np.zeros(0))
    with pytest.raises(ValueError, match="too few"):
        train(empty, catalogue(), registry, np.random.default_rng(0), RECIPE)


REFUSED = r"replenishment over .* lines needs .* GB of memory, 0\.0 GB are free"


def test_what_does_not_fit_is_refused_before_anything_is_judged(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.replenishment.train.exam", lambda *_: pytest.fail("it was judged"))
    with pytest.raises(ValueError, match=REFUSED):
        train(lines(), catalogue(), registry, np.random.default_rng(0), RECIPE, memory=lambda: 1_000)


def test_memory_that_was_taken_meanwhile_is_asked_for_again_before_the_last_fit(registry: Registry) -> None:
    steps: list[int] = []
    memory = iter([None, 1_000]).__next__
    with pytest.raises(ValueError, match=REFUSED):
        train(
            lines(), catalogue(), registry, np.random.default_rng(0), RECIPE, lambda done, _: steps.append(done), memory
        )
    assert steps == [0, 1, 2]
