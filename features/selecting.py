"""What every request reads, read by the driver alone: SQLAlchemy around it costs several times what SQLite does.

Beside a model that ranks nothing of that is in the processor's caches when a request needs it, so that it is the amount
of code that costs: who somebody is, 41 us in a loop and 323 after other work, is 4 and 76 by the driver.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

Given = Sequence[Any] | Mapping[str, Any]

Select = Callable[[str, Given], Sequence[Sequence[Any]]]
"""The rows of a statement in the driver's own text, with its parameters; safe from any thread.

Raises SQLAlchemy's errors."""

_PATIENCE = 10.0


def by_engine(engine: Engine) -> Select:
    """By a connection out of the pool."""

    def select(text: str, given: Given) -> Sequence[Sequence[Any]]:
        with engine.connect() as connection:
            return connection.exec_driver_sql(text, given).all()

    return select


def by_driver(engine: Engine, patience: float = _PATIENCE) -> Select:
    """By a connection that each thread keeps, where the database is a file of SQLite; by the engine elsewhere.

    Who has locked the file is waited for so many seconds. Nothing can be written.
    """
    if not is_file(engine):
        return by_engine(engine)
    address = f"{Path(str(engine.url.database)).absolute().as_uri()}?mode=ro"
    kept = threading.local()

    def select(text: str, given: Given) -> Sequence[Sequence[Any]]:
        try:
            connection: sqlite3.Connection | None = getattr(kept, "connection", None)
            if connection is None:
                connection = sqlite3.connect(address, patience, uri=True, isolation_level=None)
                kept.connection = connection
            return connection.execute(text, given).fetchall()
        except sqlite3.Error as error:
            told = DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True, dialect=engine.dialect)
            raise told from error

    return select


def is_file(engine: Engine) -> bool:
    """Whether the database is a file of SQLite."""
    return engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")
