"""The registry of models that the settings name."""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from features.database import open_database
from features.foreign_tables import opening
from models.registry import Registry
from models.turns import Moving, nobody_else
from pipelines.settings import Settings


def registry_of(settings: Settings) -> Registry:
    """The registry. Raises Taken when others make its tables for two minutes."""
    database = open_database(settings.database_url)
    try:
        return registry_beside(database, settings)
    finally:
        database.dispose()


def registry_beside(database: Engine, settings: Settings, moving: Moving = nobody_else) -> Registry:
    """The same for who has Kairos's own database open; `moving` is the registry's."""
    with opening(database, partial(datetime.now, UTC), mlflow=settings.mlflow_uri):
        return Registry(settings.mlflow_uri, settings.mlflow_artifacts, moving)
