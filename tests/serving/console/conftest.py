"""The shops that several pages are looked at in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.console import groups_shop
from tests.serving.world import SELDOM, Shop, copy_world, running


@pytest.fixture(scope="package")
def grouped(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A service over a shop in which chance made groups, and whose policy mails every second customer."""
    folder = copy_world(world, tmp_path_factory.mktemp("groups") / "shop")
    groups_shop.keep(folder, groups_shop.plant())
    with running(folder, refresh_seconds=SELDOM) as found:
        yield found
