"""One small shop a session, served in the process; tests that break something get a copy of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.reports.reported import compute, plant
from tests.serving.restock import world as periodic
from tests.serving.world import Shop, build_world, copy_world, running


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that nobody may change."""
    folder = tmp_path_factory.mktemp("shop")
    build_world(folder)
    return folder


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    """The folder of a shop of one's own."""
    return copy_world(world, tmp_path / "shop")


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    """A running application of one's own."""
    with running(folder) as found:
        yield found


@pytest.fixture(scope="session")
def shared(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application for tests that only ask, or that speak of customers nobody else knows."""
    with running(copy_world(world, tmp_path_factory.mktemp("shared") / "shop")) as found:
        yield found


@pytest.fixture(scope="session")
def restock_world(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop with periodic buyers that nobody may change."""
    folder = copy_world(world, tmp_path_factory.mktemp("periodic") / "shop")
    periodic.build_world(folder)
    return folder


@pytest.fixture
def restock_folder(restock_world: Path, tmp_path: Path) -> Path:
    """The folder of a shop of periodic buyers of one's own."""
    return copy_world(restock_world, tmp_path / "shop")


@pytest.fixture
def restock_shop(restock_folder: Path) -> Iterator[Shop]:
    """A running application of one's own over periodic buyers."""
    with running(restock_folder) as found:
        periodic.live(found)
        yield found


@pytest.fixture(scope="session")
def restock_shared(restock_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application over periodic buyers for tests that only ask, or speak of customers nobody else knows."""
    with running(copy_world(restock_world, tmp_path_factory.mktemp("restock") / "shop"), ready=False) as found:
        periodic.live(found)
        yield found


@pytest.fixture(scope="session")
def reported(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application over a shop with decisions and a forecast, whose reports were computed."""
    folder = copy_world(world, tmp_path_factory.mktemp("reported") / "shop")
    plant(folder)
    compute(folder)
    with running(folder) as found:
        yield found
