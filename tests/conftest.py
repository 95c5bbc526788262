"""Fixtures that more than one floor needs."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import engine, postgresql_url

__all__ = ["empty_mlflow", "engine", "postgresql_url"]

settings.register_profile("kairos", deadline=None)  # no test asserts a time
settings.load_profile("kairos")


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without a model, to be copied: making its tables takes MLflow seconds."""
    from models.registry import CHAMPION, Registry

    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    Registry(f"sqlite:///{path}").alias("nothing", CHAMPION)
    return path
