"""What every request reads, read by the driver alone: SQLAlchemy around it costs several times what SQLite does.

Beside a model that ranks nothing of that is in the processor's caches when a request needs it, so that it is the amount
of code that costs: who somebody is, 41 us in a loop and 323 after other work, is 4 and 76 by the driver.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine

from features.database import as_sqlalchemys

Given = Sequence[Any] | Mapping[str, Any]
Statement = Callable[[str, Given], Sequence[Sequence[Any]]]
"""The rows of a statement in the driver's own text, with its parameters."""

_PATIENCE = 10.0


class Select(Protocol):
    """Reads statements; safe from any thread. Raises SQLAlchemy's errors."""

    def __call__(self, text: str, given: Given) -> Sequence[Sequence[Any]]:
        """The rows of a statement in the driver's own text, with its parameters."""
        ...

    def together(self) -> AbstractContextManager[Statement]:
        """For several statements, which a server is asked by one connection; of the thread that opened the block."""
        ...


def by_engine(engine: Engine) -> Select:
    """By connections out of the pool."""
    return _ByEngine(engine)


def by_driver(engine: Engine, patience: float = _PATIENCE) -> Select:
    """By a connection that each thread keeps, where the database is a file of SQLite; by the engine elsewhere.

    Who has locked the file is waited for so many seconds. Nothing can be written.
    """
    return _ByDriver(engine, patience) if is_file(engine) else _ByEngine(engine)


def is_file(engine: Engine) -> bool:
    """Whether the database is a file of SQLite."""
    return engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")


def read_only(path: Path, patience: float) -> Callable[[], sqlite3.Connection]:
    """The connection to a file of SQLite that each thread keeps; what is locked is waited for so many seconds."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    kept = threading.local()

    def connection() -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(kept, "connection", None)
        if found is None:
            found = kept.connection = sqlite3.connect(address, patience, uri=True, isolation_level=None)
        return found

    return connection


class _ByEngine:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __call__(self, text: str, given: Given) -> Sequence[Sequence[Any]]:
        with self.together() as select:
            return select(text, given)

    @contextmanager
    def together(self) -> Iterator[Statement]:
        with self.engine.connect() as connection:
            yield lambda text, given: connection.exec_driver_sql(text, given).all()


class _ByDriver:
    def __init__(self, engine: Engine, patience: float) -> None:
        self.engine = engine
        self._connection = read_only(Path(str(engine.url.database)), patience)
        self._itself = nullcontext(self)

    def __call__(self, text: str, given: Given) -> Sequence[Sequence[Any]]:
        try:
            return self._connection().execute(text, given).fetchall()
        except sqlite3.Error as error:
            raise as_sqlalchemys(error, self.engine) from error

    def together(self) -> AbstractContextManager[Statement]:
        return self._itself
