"""The small shop, served in the process or beside it; tests that break something get a copy of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.app import _PATIENT
from tests.serving.reports.reported import compute, plant
from tests.serving.restock import world as periodic
from tests.serving.server import Server, serving
from tests.serving.world import SELDOM, Shop, copy_world, running, settings_in
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="package", autouse=True)
def unhurried() -> Iterator[None]:
    """What is given up after seconds has the time of a busy machine; where it is to be too slow, the test says so."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("serving.reports.visitor.SECONDS", PATIENCE)
        patched.setattr("serving.app._PATIENT", dict.fromkeys(_PATIENT, PATIENCE))
        yield


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    """The folder of a shop of one's own."""
    return copy_world(world, tmp_path / "shop")


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    """A running application of one's own."""
    with running(folder) as found:
        yield found


@pytest.fixture(scope="package")
def shared(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application for tests that only ask, or that speak of customers nobody else knows."""
    folder = copy_world(world, tmp_path_factory.mktemp("shared") / "shop")
    with running(folder, refresh_seconds=SELDOM) as found:
        yield found


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


@pytest.fixture(scope="package")
def restock_shared(restock_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application over periodic buyers for tests that only ask, or speak of customers nobody else knows."""
    folder = copy_world(restock_world, tmp_path_factory.mktemp("restock") / "shop")
    with running(folder, ready=False, refresh_seconds=SELDOM) as found:
        periodic.live(found)
        yield found


@pytest.fixture(scope="package")
def server(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real service for tests that leave it running, and speak of customers nobody else knows."""
    folder = copy_world(world, tmp_path_factory.mktemp("service") / "shop")
    settings = settings_in(folder, refresh_seconds=SELDOM, access_log=True, run_folder=folder / "run")
    with serving(settings, folder) as found:
        until(lambda: found.client.get("/readyz").status_code == 200, "the service is ready")
        yield found


@pytest.fixture(scope="package")
def reported(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running application over a shop with decisions and a forecast, whose reports were computed."""
    folder = copy_world(world, tmp_path_factory.mktemp("reported") / "shop")
    plant(folder)
    compute(folder)
    with running(folder, refresh_seconds=SELDOM) as found:
        yield found
