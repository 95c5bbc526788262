"""What Feast has registered, in a file or in a database: the same answers, for whoever opened it first."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from feast import FeatureStore
from sqlalchemy import create_engine, make_url, text

from features.compute import NOBODY
from features.person import Person
from features.privacy.online import OnlineRows
from features.snapshots import build
from features.store import apply, folder_of, is_applied, materialize, open_store, read_customer, training_set
from tests.features.shop import bought, day, history_of


@pytest.fixture(params=["file", "postgresql"])
def registry(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where it stands: None for the file, else a database that holds nothing yet."""
    if request.param == "file":
        yield None
        return
    server = make_url(request.getfixturevalue("postgresql_url"))
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE feast"))
        yield server.set(database="feast").render_as_string(hide_password=False)
        connection.execute(text("DROP DATABASE feast WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """The tables of a shop with one order."""
    history_of(tmp_path / "history", [bought("u1", 1, "o1", ("milk", 2, "1.50"))])
    build(tmp_path / "history", NOBODY, tmp_path / "features", day(10))
    return tmp_path / "features"


def close(*stores: FeatureStore) -> None:
    """Feast itself leaves its connections to the garbage."""
    for store in stores:
        if (engine := getattr(store.registry, "write_engine", None)) is not None:
            engine.dispose()


def test_what_one_registers_another_reads(features: Path, registry: str | None) -> None:
    service = open_store(features, "sqlite", registry)
    assert folder_of(service) == features
    with pytest.raises(LookupError, match="features materialize"):
        read_customer(service, "u1", ["frequency"], day(10))
    job = open_store(features, "sqlite", registry)
    apply(job)
    assert materialize(job).customers == 1
    for store in (service, job):
        row = read_customer(store, "u1", ["frequency"], day(10))
        assert row is not None
        assert row.values["frequency"] == 1
    rows = pd.DataFrame({"customer_id": ["u1"], "event_timestamp": pd.to_datetime([day(11)])})
    assert training_set(service, rows, ["customer:frequency"])["frequency"].tolist() == [1]
    assert (features / "registry.db").exists() is (registry is None)
    close(service, job)


def test_registering_again_changes_nothing(features: Path, registry: str | None) -> None:
    store = open_store(features, "sqlite", registry)
    assert not is_applied(store)
    apply(store)
    assert is_applied(store)
    before = sorted(view.name for view in store.list_feature_views())
    apply(store)
    assert sorted(view.name for view in store.list_feature_views()) == before
    close(store)


def test_who_asks_about_a_person_before_anything_was_registered_finds_nothing(
    features: Path, registry: str | None
) -> None:
    store = open_store(features, "sqlite", registry)
    rows = OnlineRows(store, create_engine("sqlite://"))

    assert list(rows.held(Person("u1", ("u1",), ()))) == []
    rows.erase(Person("u1", ("u1",), ()))
    close(store)


def test_an_error_names_the_place_without_its_password(features: Path, postgresql_url: str) -> None:
    address = make_url(postgresql_url).set(password="open-sesame").render_as_string(hide_password=False)
    store = open_store(features, "sqlite", address)
    with pytest.raises(LookupError, match="no features in postgresql") as raised:
        read_customer(store, "u1", ["frequency"], day(10))
    assert "open-sesame" not in str(raised.value)
    close(store)
