"""What has to be done before a new version starts: the database brought to its revision, the tables of others made.

Whatever opens the database migrates it as well. Doing it before gives a long migration its time, and what starts
together afterwards finds everything there.
"""

from dataclasses import dataclass

from features.database import connect_to, migrate
from features.migrations.upgrade import newest, standing
from features.store import open_store
from models.published import CHAMPION
from models.registry import Registry
from pipelines.settings import Settings


@dataclass(frozen=True)
class Migrated:
    """The database, its revision before (None where there was none) and now, and the revisions that were applied."""

    database: str
    before: str | None
    now: str
    applied: list[str]


def migrate_stores(settings: Settings) -> Migrated:
    """Bring the database up to date, and make MLflow's and Feast's tables where there are none, as two would collide.

    Raises RuntimeError when the database cannot be migrated; it is as it was then. MLflow refuses tables of an earlier
    MLflow itself, and names `mlflow db upgrade`.
    """
    engine = connect_to(settings.database_url)
    try:
        with engine.connect() as connection:
            before = standing(connection).revision
        applied = migrate(engine)
    finally:
        engine.dispose()
    Registry(settings.mlflow_uri, settings.mlflow_artifacts).alias("recommender", CHAMPION)
    if settings.feast_registry:
        open_store(settings.feature_data, settings.online_store, settings.feast_registry).refresh_registry()
    now = newest() if applied or before is None else before
    return Migrated(engine.url.render_as_string(hide_password=True), before, now, applied)
