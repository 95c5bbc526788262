"""Feast's store that the settings name, with what stands in a registry that is a database written by one at a time.

Feast makes the registry's tables and numbers its views' versions without a look at others: of three materialize on a
new installation two ended in SQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from feast import FeatureStore

from features.alone import TABLES, alone
from features.database import open_database
from features.store import apply, open_store
from pipelines.settings import Settings

_PATIENCE = timedelta(minutes=2)
"""Who registers waits so long for others who do."""


def registered_store(settings: Settings) -> FeatureStore:
    """The store with our objects in its registry. Raises Taken when others are at that for two minutes."""
    with _alone(settings):
        store = open_store(settings.feature_data, settings.online_store, settings.feast_registry)
        apply(store)
        return store


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """A registry in a file is replaced as a whole, and needs no database of ours."""
    if settings.feast_registry is None:
        yield
        return
    database = open_database(settings.database_url)
    try:
        with alone(database, TABLES, partial(datetime.now, UTC), _PATIENCE):
            yield
    finally:
        database.dispose()
