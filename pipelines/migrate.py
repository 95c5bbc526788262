"""What has to be done before a new version starts: the database brought to its revision, the tables of others made.

Whatever opens the database migrates it as well. Doing it before gives a long migration its time, and what starts
together afterwards finds everything there.
"""

from dataclasses import dataclass
from datetime import timedelta

from features.alone import TABLES, alone
from features.database import connect_to, migrate
from features.migrations.upgrade import newest, standing
from features.store import open_store
from models.published import CHAMPION
from models.registry import Registry
from pipelines.live import now as this_moment
from pipelines.settings import Settings

_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Migrated:
    """The database, its revision before (None where there was none) and now, and the revisions that were applied."""

    database: str
    before: str | None
    now: str
    applied: list[str]


def migrate_stores(settings: Settings) -> Migrated:
    """Bring the database up to date, and make MLflow's and Feast's tables where there are none.

    Those make theirs without a look at others, and two at once end with an error: so one process does it, and whoever
    comes meanwhile waits. Raises RuntimeError when the database cannot be migrated, which is as it was then, and
    `Taken` when another is at it for ten minutes. MLflow refuses tables of an earlier MLflow itself, and names
    `mlflow db upgrade`.
    """
    engine = connect_to(settings.database_url)
    try:
        with engine.connect() as connection:
            before = standing(connection).revision
        applied = migrate(engine)
        with alone(engine, TABLES, this_moment, _PATIENCE) as hold:
            Registry(settings.mlflow_uri, settings.mlflow_artifacts).alias("recommender", CHAMPION)
            hold.check()
            if settings.feast_registry:
                open_store(settings.feature_data, settings.online_store, settings.feast_registry).refresh_registry()
    finally:
        engine.dispose()
    now = newest() if applied or before is None else before
    return Migrated(engine.url.render_as_string(hide_password=True), before, now, applied)
