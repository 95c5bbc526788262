"""Anyone may look again at how good things are: the same exam for what is published and what is not, nothing moved."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from models.published import CHALLENGER, CHAMPION
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from models.registry import Registry
from tests.features.shop import day, history_of
from tests.registries import empty_registry
from tests.training.shop import END, records
from training.assessment import EXPERIMENT, Assessment, assess
from training.contest import contest
from training.dataset import exam
from training.recommender import NAME, train
from training.splits import Fold

WINDOW = day(20) - day(0)
EARLY = Suite((RP3Beta(neighbours=5), Popularity()))
LATE = Suite((Fallback(), Popularity()))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("history"), records())


@pytest.fixture(scope="module")
def registry(history: Path, empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A champion that ended before the exam, a challenger that has seen it."""
    registry = empty_registry(empty_mlflow, tmp_path_factory.mktemp("mlflow"))
    first = train(history, NOBODY, registry, day(40), np.random.default_rng(0), EARLY, WINDOW)
    registry.promote(first.version, "test", "first", datetime(2026, 1, 1, tzinfo=UTC))
    train(history, NOBODY, registry, day(END), np.random.default_rng(0), LATE, WINDOW)
    return registry


def look(history: Path, registry: Registry, model: str, *recipes: str) -> Assessment:
    return assess(history, NOBODY, registry, day(END), np.random.default_rng(0), model, recipes, WINDOW)


def names(found: Assessment) -> set[str]:
    return {outcome.name for outcome in found.evaluation.outcomes} - set(found.evaluation.baselines)


def test_all_are_both_aliases_and_the_members_of_the_newer(history: Path, registry: Registry) -> None:
    before = [registry.alias(NAME, alias) for alias in (CHAMPION, CHALLENGER)]
    found = look(history, registry, "all")
    assert names(found) == {"champion", "challenger", "fallback", "popularity"}
    one, same = (found.evaluation.of(name, "repeats allowed") for name in ("challenger", "fallback"))
    assert one.values["recall@10"].tolist() == same.values["recall@10"].tolist()
    assert [registry.alias(NAME, alias) for alias in (CHAMPION, CHALLENGER)] == before
    run = registry._client.get_run(found.run_id)
    assert registry._client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    assert (run.data.params["champion"], run.data.params["challenger"]) == ("1", "2")
    assert run.data.metrics["repeats_allowed/champion/recall_at_10"] > 0
    assert "repeats_allowed/champion/warm_customers/recall_at_10" in run.data.metrics
    files = {file.path for file in registry._client.list_artifacts(found.run_id)}
    assert files >= {"evaluation.csv", "groups.csv", "recall.png", "history.png", "lift.png", "report.md"}


def test_one_model_and_recipes_by_name(history: Path, registry: Registry) -> None:
    assert names(look(history, registry, "champion")) == {"champion"}
    assert names(look(history, registry, "champion", "rp3beta")) == {"champion", "rp3beta"}


def test_what_is_not_there_is_said(history: Path, registry: Registry, empty_mlflow: Path, tmp_path: Path) -> None:
    empty = empty_registry(empty_mlflow, tmp_path)
    with pytest.raises(LookupError, match="no champion; run `python -m pipelines train recommender` first"):
        look(history, empty, "champion")
    with pytest.raises(LookupError, match="choose one of champion, challenger, all"):
        look(history, registry, "best")
    with pytest.raises(LookupError, match="no recipes magic; there are als"):
        look(history, registry, "all", "magic")


def test_a_model_that_has_seen_the_exam_is_fitted_again_and_one_that_has_not_answers_as_it_is(
    history: Path, registry: Registry
) -> None:
    prepared = exam(history, NOBODY, Fold(day(END) - WINDOW, day(END)))
    published = {
        alias: registry.load(version)
        for alias in (CHAMPION, CHALLENGER)
        if (version := registry.alias(NAME, alias)) is not None
    }
    assert published[CHAMPION].model.until < prepared.holdout.split < published[CHALLENGER].model.until
    found = contest(prepared, {"fresh": EARLY.sources[0], "same": LATE.sources[0]}, published)
    values = {outcome.name: outcome.values["ndcg@10"] for outcome in found.outcomes if outcome.task == "new only"}
    assert values["challenger"].tolist() == values["same"].tolist()
    assert values["champion"].tolist() != values["fresh"].tolist(), "the champion learned twenty days less"
