"""Of those who register in a database at once one does and the others wait; a registry in a file makes nobody wait."""

from datetime import timedelta
from pathlib import Path

import pytest

from features.alone import TABLES, Taken
from features.database import open_database
from features.store import CUSTOMER_VIEWS
from pipelines import live, store
from pipelines.settings import Settings
from pipelines.store import registered_store
from tests.features.leases import alone_for_ages


def test_who_registers_in_a_database_does_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", timedelta(0))
    monkeypatch.setattr(store, "alone", alone_for_ages)
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    in_file = Settings(database_url=url, feature_data=tmp_path / "features")
    in_database = in_file.model_copy(update={"feast_registry": f"sqlite:///{tmp_path / 'feast.db'}"})
    engine = open_database(url)
    with alone_for_ages(engine, TABLES, live.now):
        assert {view.name for view in registered_store(in_file).list_feature_views()} > {*CUSTOMER_VIEWS}
        with pytest.raises(Taken, match="does this now"):
            registered_store(in_database)
    engine.dispose()
    assert {view.name for view in registered_store(in_database).list_feature_views()} > {*CUSTOMER_VIEWS}
