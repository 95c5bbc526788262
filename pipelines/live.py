"""The registry of those who make another version live: one after the other, be it a verb, the learner or a page."""

from datetime import UTC, datetime, timedelta

from features.alone import alone, moving
from features.database import open_database
from models.registry import Registry
from pipelines.registry import registry_beside
from pipelines.settings import Settings

_PATIENCE = timedelta(seconds=30)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def moving_registry(settings: Settings) -> Registry:
    """The registry, in which nobody else of the shop moves an alias of a model while this process does."""
    engine = open_database(settings.database_url)
    return registry_beside(engine, settings, lambda name: alone(engine, moving(name), now, _PATIENCE))
