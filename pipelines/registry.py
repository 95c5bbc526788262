"""The registry of models that the settings name, whose tables one process makes.

MLflow makes them when it is opened for the first time, without a look at others who do: of two both ended in SQL.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.alone import TABLES, alone
from features.database import open_database
from models.registry import Moving, Registry, nobody_else
from pipelines.settings import Settings

_PATIENCE = timedelta(minutes=2)
"""Who opens it waits so long for others who do, one of whom may make the tables."""


def registry_of(settings: Settings) -> Registry:
    """The registry. Raises Taken when others make its tables for two minutes."""
    database = open_database(settings.database_url)
    try:
        return registry_beside(database, settings)
    finally:
        database.dispose()


def registry_beside(database: Engine, settings: Settings, moving: Moving = nobody_else) -> Registry:
    """The same for who has Kairos's own database open; `moving` is the registry's."""
    opened = partial(Registry, settings.mlflow_uri, settings.mlflow_artifacts, moving)
    if is_made(settings.mlflow_uri):
        return opened()
    with alone(database, TABLES, partial(datetime.now, UTC), _PATIENCE):
        return opened()


def is_made(uri: str) -> bool:
    """Whether opening MLflow at `uri` makes nothing: its default experiment is what it makes last.

    A server has made its own tables, and a folder has none.

    >>> is_made("http://mlflow.example"), is_made("sqlite://")
    (True, False)
    """
    try:
        mlflow = create_engine(uri)
    except (ArgumentError, NoSuchModuleError):
        return True
    try:
        with mlflow.connect() as connection:
            return connection.execute(text("SELECT 1 FROM experiments")).first() is not None
    except SQLAlchemyError:
        return False
    finally:
        mlflow.dispose()
