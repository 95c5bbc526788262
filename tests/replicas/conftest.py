"""One pair of replicas for all of these tests, and not for longer; a test that ends one of them starts it anew."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.replicas.world import WORKERS, Replicas, ready, settings_of
from tests.valkeys import address_of, valkey_server


@pytest.fixture(scope="package")
def replicas(world: Path, postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Two services over one PostgreSQL and one Valkey, all of whose workers answer."""
    folder = tmp_path_factory.mktemp("replicas") / "shop"
    with ExitStack() as stack:
        online = stack.enter_context(valkey_server())
        settings = settings_of(world, folder, postgresql_url, address_of(online))
        found = Replicas(settings, folder, stack)
        for name in WORKERS:
            found.start(name)
        for server in found.servers.values():
            ready(server)
        yield found
