"""Of two machines that are at the same work one drops nothing of the other: a lease says who is at it."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from features import shard_features
from features.alone import Taken
from features.database import open_database
from features.history import compact, position
from features.lease import Lease
from features.log import EVENTS, Log
from pipelines import at_work, learn
from pipelines.refresh import build_features, compact_history
from pipelines.settings import Settings
from tests.features.leases import alone_for_ages
from tests.features.shop import bought, day
from tests.waiting import until


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
    monkeypatch.setattr(at_work, "alone", alone_for_ages)
    theirs = settings.feature_data / "unfinished" / "features" / "theirs"  # no lock of this machine is on it
    theirs.mkdir(parents=True)
    with (
        alone_for_ages(open_database(settings.database_url), "unfinished features", now),
        pytest.raises(Taken, match="does this now"),
    ):
        build_features(settings, day(2), created=day(3))
    assert theirs.exists()
    assert build_features(settings, day(2), created=day(3)).customers == 1
    assert not theirs.exists(), "nobody is at it any more"


def lost(settings: Settings) -> None:
    """While this process slept another held the lease, and gave it back; until it is known here."""
    with open_database(settings.database_url).begin() as connection:
        connection.execute(text("DELETE FROM lease"))
    until(lambda: not any(one.name.startswith("lease-") for one in threading.enumerate()), "nobody keeps it any more")


def test_who_slept_while_it_wrote_the_history_moves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(open_database(settings.database_url), EVENTS)
    log.append([bought("u1", 2, "o2", "milk")])
    buckets = settings.model_copy(update={"history_buckets": 2})
    with monkeypatch.context() as patched:
        patched.setattr("features.history.os.sync", lambda: lost(settings))
        with pytest.raises(Taken, match="another may have begun; run it again"):
            compact_history(buckets, lambda _: None)
    assert position(settings.history) == 1
    assert compact_history(buckets, lambda _: None).rows == 1


def test_who_slept_while_it_built_shows_no_table(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    products = shard_features.products

    def slept(*given: Any) -> pa.Table:
        lost(settings)
        return products(*given)

    with monkeypatch.context() as patched:
        patched.setattr("features.shard_features.products", slept)
        with pytest.raises(Taken, match="another may have begun; run it again"):
            build_features(settings, day(2), created=day(3))
    assert not list(settings.feature_data.glob("*/*.parquet"))
    assert build_features(settings, day(2), created=day(3)).customers == 1


def test_who_slept_while_it_learned_goes_on_to_no_other_policy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def learned(policy: str, *_: object) -> None:
        begun.append(policy)
        lost(settings)

    monkeypatch.setattr("features.alone._seconds", lambda: 0.0)  # nothing but that the other had it ends it
    monkeypatch.setattr(learn, "deciders", lambda _: {"one": "one", "other": "other"})
    monkeypatch.setattr(learn, "logs", lambda _: None)
    monkeypatch.setattr(learn, "learned", learned)
    with pytest.raises(Taken, match="another may have begun; run it again"):
        learn.learn_alone(settings, None, (), now(), now)  # type: ignore[arg-type]
    assert begun == ["one"]


def test_who_was_killed_is_waited_for(settings: Settings) -> None:
    database = open_database(settings.database_url)
    Lease(database, "unfinished features", "who was killed", timedelta(seconds=1)).hold(now())
    assert build_features(settings, day(2), created=day(3)).customers == 1
