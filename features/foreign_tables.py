"""Tables that MLflow and Feast keep in a database.

Each makes its own when it is opened for the first time, without a look at others who do, and of two that begin together
both may end in SQL. So one process makes them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.alone import TABLES, Clock, alone
from features.database import address_of

_PATIENCE = timedelta(minutes=2)
"""Who opens them waits so long for others who do, one of whom may make the tables."""


@contextmanager
def opening(database: Engine, clock: Clock, mlflow: str | None = None, feast: str | None = None) -> Iterator[None]:
    """Open MLflow and Feast's registry at these addresses in the block: alone, where one of them may make tables.

    `database` is Kairos's own. Raises Taken when others are at it for two minutes.
    """
    places = ((mlflow, "experiments"), (feast, "feast_metadata"))
    if all(url is None or is_made(url, last) for url, last in places):
        yield
        return
    with alone(database, TABLES, clock, _PATIENCE):
        yield


def is_made(url: str, last: str) -> bool:
    """Whether opening what is at `url` makes nothing: the table in which it puts a row `last` of all has one.

    A server has made its own tables, and a folder has none.

    >>> is_made("http://mlflow.example", "experiments"), is_made("sqlite://", "experiments")
    (True, False)
    """
    try:
        there = create_engine(address_of(url))
    except (ArgumentError, NoSuchModuleError):
        return True
    try:
        with there.connect() as connection:
            return connection.execute(text(f"SELECT 1 FROM {last}")).first() is not None
    except SQLAlchemyError:
        return False
    finally:
        there.dispose()
