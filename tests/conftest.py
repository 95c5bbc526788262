"""Fixtures that more than one floor needs."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import engine, postgresql_url

__all__ = ["empty_mlflow", "engine", "postgresql_url"]

# No test asserts a time. People look for examples that nobody has seen; a change is judged by the same ones each time.
settings.register_profile("kairos", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("kairos")


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without a model, to be copied: making its tables takes MLflow seconds."""
    from models.registry import CHAMPION, Registry

    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    Registry(f"sqlite:///{path}").alias("nothing", CHAMPION)
    return path
