"""Of two machines that are at the same work one drops nothing of the other: a lease says who is at it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.alone import Taken, alone
from features.database import open_database
from features.history import compact
from features.lease import Lease
from features.log import EVENTS, Log
from pipelines import at_work
from pipelines.refresh import build_features
from pipelines.settings import Settings
from tests.features.shop import bought, day


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(
        database_url=f"sqlite:///{tmp_path / 'kairos.db'}",
        history=tmp_path / "history",
        feature_data=tmp_path / "features",
    )
    log = Log(open_database(found.database_url), EVENTS)
    log.append([bought("u1", 1, "o1", "milk")])
    compact(log, found.history, 2)
    return found


def now() -> datetime:
    return datetime.now(UTC)


def test_what_another_machine_is_at_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_work, "_PATIENCE", timedelta(0))
    theirs = settings.feature_data / "unfinished" / "features" / "theirs"  # no lock of this machine is on it
    theirs.mkdir(parents=True)
    with (
        alone(open_database(settings.database_url), "unfinished features", now),
        pytest.raises(Taken, match="does this now"),
    ):
        build_features(settings, day(2), created=day(3))
    assert theirs.exists()
    assert build_features(settings, day(2), created=day(3)).customers == 1
    assert not theirs.exists(), "nobody is at it any more"


def test_who_was_killed_is_waited_for(settings: Settings) -> None:
    database = open_database(settings.database_url)
    Lease(database, "unfinished features", "who was killed", timedelta(seconds=1)).hold(now())
    assert build_features(settings, day(2), created=day(3)).customers == 1
