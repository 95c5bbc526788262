"""Fixtures that more than one floor needs."""

import gc
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.built import built_once
from tests.databases import engine, postgresql_url

if TYPE_CHECKING:
    from models.registry import Registry

__all__ = ["empty_mlflow", "engine", "postgresql_url", "restock_world", "world"]

# No test asserts a time. People look for examples that nobody has seen; a change is judged by the same ones each time.
settings.register_profile(
    "kairos", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kairos")


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis sees that Python's own chance moved while an example was drawn, and not that another thread did."""
    config.addinivalue_line("filterwarnings", "ignore:Do not use the `random` module inside strategies")


# What is imported for the tests stays: looking for garbage in it took a fifth of the time until all are collected.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """From the end of this on there is garbage, and nobody has to look through what was imported."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without a model, to be copied: making its tables takes MLflow seconds."""
    from models.published import CHAMPION
    from models.registry import Registry

    def build(folder: Path) -> None:
        folder.mkdir()
        Registry(f"sqlite:///{folder / 'empty.db'}").alias("nothing", CHAMPION)

    return built_once(tmp_path_factory, "empty-mlflow", build) / "empty.db"


@pytest.fixture
def registry(empty_mlflow: Path, tmp_path: Path) -> "Registry":
    """An empty MLflow of one's own."""
    from tests.registries import empty_registry

    return empty_registry(empty_mlflow, tmp_path)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small shop that nobody may change."""
    from tests.serving.world import build_world

    return built_once(tmp_path_factory, "small-shop", build_world)


@pytest.fixture(scope="session")
def restock_world(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop with periodic buyers that nobody may change."""
    from tests.serving.restock.world import build_world
    from tests.serving.world import copy_world

    def build(folder: Path) -> None:
        copy_world(world, folder)
        build_world(folder)

    return built_once(tmp_path_factory, "periodic-shop", build)
