"""Training publishes a challenger with all its evidence, through a real MLflow registry, and puts nothing live."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from features.definitions import HISTORY, RECOMMENDER_FEATURES
from features.reports.finding import from_text
from models.published import CHALLENGER, CHAMPION
from models.recommenders.base import days
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import FittedSuite, Suite
from models.registry import Registry
from tests.features.shop import bought, day, history_of
from tests.registries import empty_registry
from tests.training.shop import END, records
from training.assortment import Assortment
from training.recommender import NAME, WINDOW, Trained, parameters, train

WINDOW_OF_TEST = day(20) - day(0)
SUITE = Suite((Fallback(), RP3Beta(), Popularity()))


@pytest.fixture(scope="module")
def registry(empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return empty_registry(empty_mlflow, tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("history"), records())


@pytest.fixture(scope="module")
def first(history: Path, registry: Registry) -> Trained:
    return train(history, NOBODY, registry, day(END), np.random.default_rng(0), SUITE, WINDOW_OF_TEST)


def test_the_version_holds_the_recipe_fitted_on_everything(first: Trained, registry: Registry) -> None:
    published = registry.load(first.version)
    assert published.recipe == SUITE
    assert isinstance(published.model, FittedSuite)
    assert published.model.members == ("fallback", "rp3beta", "popularity")
    assert published.model.until == days(day(END))
    assert published.features == RECOMMENDER_FEATURES
    assert {field.name for field in HISTORY} < set(RECOMMENDER_FEATURES)
    challenger = registry.alias(NAME, CHALLENGER)
    assert challenger is not None
    assert challenger.number == first.version.number


def test_nothing_goes_live_and_the_gate_is_written_down(first: Trained, registry: Registry) -> None:
    assert registry.alias(NAME, CHAMPION) is None
    tags = registry.version(NAME, first.version.number).tags
    assert tags["gate"] == ("passed" if first.verdict.passed else "refused")
    assert tags["gate.words"] == first.verdict.words
    assert from_text(tags["gate.findings"]) == first.verdict.findings
    assert tags["gate.champion"] == ""
    assert first.verdict.opponent in first.evaluation.baselines


def test_a_champion_sits_the_same_exam_and_itself_again_is_no_better(
    first: Trained, history: Path, registry: Registry
) -> None:
    registry.promote(first.version, "test", "first", datetime(2026, 1, 1, tzinfo=UTC))
    try:
        second = train(history, NOBODY, registry, day(END), np.random.default_rng(0), SUITE, WINDOW_OF_TEST)
        assert second.verdict.opponent == "champion"
        assert not second.verdict.passed
        assert second.verdict.interval.mean == 0
        tags = registry.version(NAME, second.version.number).tags
        assert (tags["gate"], tags["gate.champion"]) == ("refused", first.version.number)
        worse = train(
            history,
            NOBODY,
            registry,
            day(END),
            np.random.default_rng(0),
            Suite((Popularity(window=1.0), Fallback())),
            WINDOW_OF_TEST,
        )
        assert worse.evaluation.of("fallback", "repeats allowed").mean("recall@10") > worse.evaluation.of(
            "popularity", "repeats allowed"
        ).mean("recall@10"), "the first member is judged, not the best"
        assert worse.verdict.interval.high < 0
    finally:
        registry._client.delete_registered_model_alias(NAME, CHAMPION)


def test_a_champion_that_ended_before_the_split_is_judged_as_it_is_live(
    history: Path, empty_mlflow: Path, tmp_path: Path
) -> None:
    own = empty_registry(empty_mlflow, tmp_path)
    recipe = Suite((Fallback((RP3Beta(neighbours=5), Popularity())),))
    rng = np.random.default_rng(0)
    early = train(history, NOBODY, own, day(30), rng, recipe, day(10) - day(0))
    own.promote(early.version, "test", "early", datetime(2026, 1, 1, tzinfo=UTC))
    fresh = train(history, NOBODY, own, day(END), rng, recipe, WINDOW_OF_TEST)
    assert fresh.verdict.opponent == "champion"
    assert fresh.verdict.interval.mean != 0


def test_the_same_seed_and_data_give_the_same_figures(first: Trained, history: Path, registry: Registry) -> None:
    again = train(history, NOBODY, registry, day(END), np.random.default_rng(0), SUITE, WINDOW_OF_TEST)
    assert again.verdict == first.verdict
    for one, other in zip(again.evaluation.outcomes, first.evaluation.outcomes, strict=True):
        plain = {"cpu_ms": 0, "values": {}, "groups": {}, "orders": None}
        assert replace(one, **plain) == replace(other, **plain)  # type: ignore[arg-type]
        assert all(np.array_equal(values, other.values[name]) for name, values in one.values.items())


def test_the_run_keeps_parameters_metrics_table_plot_and_card(first: Trained, registry: Registry) -> None:
    run = registry._client.get_run(first.version.run_id)
    assert run.data.params["rp3beta.alpha"] == str(RP3Beta().alpha)
    assert "popularity.half_life" in run.data.params
    assert run.data.params["fallback.sources"] == "rp3beta, popularity"
    outcome = first.evaluation.of("fallback", "new only")
    assert run.data.metrics["new_only/fallback/recall_at_10"] == pytest.approx(outcome.mean("recall@10"))
    assert run.data.metrics["repeats_allowed/personal_frequency/ndcg_at_10"] > 0
    low, high = (run.data.metrics[f"repeats_allowed/fallback/recall_at_10_above_{end}"] for end in ("low", "high"))
    assert low < high
    files = {file.path: file.file_size for file in registry._client.list_artifacts(first.version.run_id)}
    plots, tables = {"recall.png", "history.png", "lift.png"}, {"evaluation.csv", "groups.csv"}
    assert plots | tables | {"model_card.md", "snapshot.json", "features.json"} <= set(files)
    assert all(files[plot] > 10_000 for plot in plots)


def test_a_history_too_short_to_judge_says_what_to_do(tmp_path: Path, registry: Registry) -> None:
    short = history_of(tmp_path, [bought("ann", 1, "o1", "tea"), bought("ann", 2, "o2", "tea")])
    with pytest.raises(ValueError, match="import a longer history"):
        train(short, NOBODY, registry, day(3), np.random.default_rng(0), window=WINDOW)


def test_of_the_latest_days_alone_is_learned(first: Trained, history: Path, registry: Registry) -> None:
    rng = np.random.default_rng(0)
    run = train(history, NOBODY, registry, day(END), rng, SUITE, WINDOW_OF_TEST, learned_days=20)
    kept = [registry._client.get_run(each.version.run_id) for each in (first, run)]
    assert [each.data.params["learned_days"] for each in kept] == ["all", "20"]
    assert kept[0].data.tags["data.digest"] != kept[1].data.tags["data.digest"]
    asked = [len(each.evaluation.outcomes[0].values["recall@10"]) for each in (first, run)]
    assert asked[0] == asked[1]


def test_every_member_sits_the_exam_beside_the_baselines(first: Trained) -> None:
    judged = {outcome.name for outcome in first.evaluation.outcomes}
    assert judged == {"fallback", "rp3beta", "popularity", *first.evaluation.baselines}


def test_recipes_of_one_name_are_told_apart() -> None:
    other = Fallback((RP3Beta(neighbours=5), RP3Beta(), Popularity()))
    found = parameters(Suite((other, RP3Beta(), Popularity())))
    assert (found["rp3beta.neighbours"], found["rp3beta:2.neighbours"]) == (5, RP3Beta().neighbours)
    assert found["fallback.sources"] == "rp3beta, rp3beta, popularity"
    assert found["suite.sources"] == "fallback, rp3beta, popularity"
    assert "popularity:2.window" not in found, "equal recipes are one"


def test_features_of_products_make_another_version_of_the_data(
    first: Trained, history: Path, registry: Registry, tmp_path: Path
) -> None:
    known = Assortment(tmp_path, past=1)
    arguments = (history, NOBODY, registry, day(END), np.random.default_rng(0), SUITE, WINDOW_OF_TEST, known)
    one, other = train(*arguments), train(*arguments)
    digests = [registry._client.get_run(run.version.run_id).data.tags["data.digest"] for run in (first, one, other)]
    assert digests[0] != digests[1] == digests[2]
    assert one.verdict == first.verdict, "these recipes do not read them"
