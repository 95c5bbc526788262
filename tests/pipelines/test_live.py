"""Two who make a version live at once: the second sees what the first has done, and is judged by it; the same for who
makes MLflow's tables."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from sqlalchemy import text

from features import foreign_tables
from features.alone import TABLES, Taken, moving
from features.database import open_database
from models.promotion import Refused, promote
from models.published import CHAMPION, Version
from models.registry import Registry
from pipelines import live
from pipelines.live import moving_registry
from pipelines.registry import registry_of
from pipelines.settings import Settings
from tests.features.leases import alone_for_ages
from tests.models.test_promotion import NOW, publish
from tests.waiting import PATIENCE, until


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path) -> Settings:
    """Everything in a folder of its own."""
    copy = shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    places = {"mlflow_uri": f"sqlite:///{copy}", "mlflow_artifacts": str(tmp_path / "artifacts")}
    return Settings(database_url=f"sqlite:///{tmp_path / 'kairos.db'}", **places)


def test_of_two_promotions_at_once_the_second_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PATIENCE", timedelta(seconds=PATIENCE))
    monkeypatch.setattr(live, "alone", alone_for_ages)
    versions = [publish(moving_registry(settings), "passed") for _ in range(2)]
    begin = Barrier(2)

    def go(version: Version) -> str:
        own = moving_registry(settings)
        begin.wait(PATIENCE)
        try:
            return promote(own, "recommender", version.number, "ann", "it is better", NOW).live.number
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(2) as people:
        told = list(people.map(go, versions))
    live_now = moving_registry(settings).alias("recommender", CHAMPION)
    assert live_now is not None
    assert sorted(told) == [live_now.number, "judged_against_another"]
    assert live_now.tags["replaces"] == ""


def test_who_does_not_get_to_move_anything_hears_who_does(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PATIENCE", timedelta(0))
    monkeypatch.setattr(live, "alone", alone_for_ages)
    version = publish(Registry(settings.mlflow_uri, settings.mlflow_artifacts), "passed")
    engine = open_database(settings.database_url)
    with (
        alone_for_ages(engine, moving("recommender"), live.now),
        pytest.raises(Taken, match=r"aliases of recommender: .* now"),
    ):
        promote(moving_registry(settings), "recommender", version.number, "ann", "please", NOW)
    assert moving_registry(settings).alias("recommender", CHAMPION) is None
    engine.dispose()


def test_who_slept_through_the_turn_moves_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    version = publish(moving_registry(settings), "passed")
    own = moving_registry(settings)
    promoted = own.promote

    def slept(*given: Any) -> Version:
        """While another held the lease, moved an alias and gave it back; until it is known here."""
        with open_database(settings.database_url).begin() as connection:
            connection.execute(text("DELETE FROM lease"))
        until(lambda: not any(one.name.startswith("lease-") for one in enumerate_threads()), "nobody keeps it any more")
        return promoted(*given)

    monkeypatch.setattr(own, "promote", slept)
    with pytest.raises(Taken, match="another may have begun; run it again"):
        promote(own, "recommender", version.number, "ann", "please", NOW)
    assert own.alias("recommender", CHAMPION) is None


def test_who_opens_the_registry_for_the_first_time_does_it_alone_and_later_nobody_is_waited_for(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_tables, "_PATIENCE", timedelta(0))
    monkeypatch.setattr(foreign_tables, "alone", alone_for_ages)
    new = settings.model_copy(update={"mlflow_uri": f"sqlite:///{tmp_path / 'new.db'}"})
    engine = open_database(settings.database_url)
    with alone_for_ages(engine, TABLES, live.now):
        assert registry_of(settings).alias("recommender", CHAMPION) is None
        with pytest.raises(Taken, match="does this now"):
            registry_of(new)
    engine.dispose()
