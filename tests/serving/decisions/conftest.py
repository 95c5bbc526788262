"""A shop in which chance decides, once a session; tests that break something get one of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.decisions.world import deciding, live, prepared, publish
from tests.serving.world import SELDOM, Shop, copy_world


@pytest.fixture(scope="session")
def bare(empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop without a policy that nobody may change."""
    return prepared(tmp_path_factory.mktemp("bare") / "shop", empty_mlflow)


@pytest.fixture(scope="session")
def chance(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop whose policy for carts is chance, that nobody may change."""
    folder = copy_world(bare, tmp_path_factory.mktemp("chance") / "shop")
    publish(folder)
    return folder


@pytest.fixture
def bare_folder(bare: Path, tmp_path: Path) -> Path:
    """The folder of a shop without a policy of one's own."""
    return copy_world(bare, tmp_path / "shop")


@pytest.fixture
def chance_folder(chance: Path, tmp_path: Path) -> Path:
    """The folder of a shop of one's own in which chance decides."""
    return copy_world(chance, tmp_path / "shop")


@pytest.fixture
def decider(chance_folder: Path) -> Iterator[Shop]:
    """A running application of one's own in which chance decides about carts."""
    with deciding(chance_folder) as shop:
        live(shop)
        yield shop


@pytest.fixture(scope="package")
def shared_decider(chance: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The same for tests that speak of customers nobody else knows, and leave the clock alone."""
    folder = copy_world(chance, tmp_path_factory.mktemp("shared") / "shop")
    with deciding(folder, refresh_seconds=SELDOM) as shop:
        live(shop)
        yield shop
