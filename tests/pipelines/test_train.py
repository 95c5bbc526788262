"""Which recipes are fitted, where, and within what memory."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import pipelines.train as verb
from benchmarks.fit_time import shop
from features.results import forget
from models.recommenders.combinator import here
from models.recommenders.popularity import Popularity
from models.recommenders.sasrec import SASRec
from models.recommenders.suite import Suite
from pipelines.settings import Settings
from pipelines.train import fitted_by, led_by
from training.sasrec_on_ray import RayTraining


def settings_of(folder: Path, engine: str) -> Settings:
    return Settings(_env_file=None, engine=engine, feature_data=folder)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["sasrec", "two_stage", "popularity"])
def test_the_recipe_that_is_asked_for_answers_first_and_the_others_stay(name: str) -> None:
    names = [source.name for source in led_by(name).sources]
    assert names[0] == name
    assert sorted(names) == sorted({name, *(source.name for source in Suite().sources)})


@pytest.mark.parametrize("name", ["sasrek", "suite"])
def test_a_recipe_that_there_is_not_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(LookupError, match=rf"no recipe '{name}'; there are als, .*sasrec, "):
        led_by(name)


def test_a_suite_without_what_gains_by_many_machines_asks_no_cluster(tmp_path: Path) -> None:
    with fitted_by(settings_of(tmp_path, "127.0.0.1:1"), Suite()) as by:
        assert by is here
    with fitted_by(settings_of(tmp_path, "local"), led_by("sasrec")) as by:
        assert by is here


def test_a_cluster_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionError, match=r"KAIROS_ENGINE=127\.0\.0\.1:1"),
        fitted_by(settings_of(tmp_path, "127.0.0.1:1"), led_by("sasrec")),
    ):
        pass


def test_what_a_training_leaves_behind_goes_when_somebody_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[RayTraining] = []
    monkeypatch.setattr(verb, "opened", nullcontext)
    monkeypatch.setattr(verb, "by_ray", handed.append)
    with fitted_by(settings_of(tmp_path, "ray"), led_by("sasrec")):
        run = handed[0].run(SASRec(), np.array([0, 1]), np.array([0], np.int32), 1)
    run.mkdir(parents=True)
    forget(tmp_path)
    assert not run.exists()


def test_two_workers_on_this_machine_need_the_memory_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(verb, "opened", nullcontext)
    monkeypatch.setattr(verb, "by_ray", lambda _training: lambda recipe, _: asked.append(recipe.name))
    recipe, data = SASRec(), shop(2_000, 100, 0)
    needed = recipe.bytes_needed(data)
    for engine, free, fits in (("ray", 2 * needed, True), ("ray", 2 * needed - 2, False), ("head:6379", needed, True)):
        monkeypatch.setattr(verb, "free_memory", lambda free=free: free)
        with fitted_by(settings_of(tmp_path, engine), led_by("sasrec")) as by:
            refused = pytest.raises(
                ValueError, match=r"^for each of 2 workers of Ray on this machine, sasrec over .*=local"
            )
            with nullcontext() if fits else refused:
                by(recipe, data)
            by(Popularity(), data)
    assert asked == ["sasrec", "popularity", "popularity", "sasrec", "popularity"]
