"""The keys of the shop, and those for what calls the service itself: the demo, for a person to try, and a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from features.database import open_database
from pipelines.settings import Settings
from serving.access.key_table import KeyTable
from serving.access.scopes import Kind

DEMO = "demo"
CONSOLE = "demo console"
_DEMO_LASTS = timedelta(days=30)
_RUN_LASTS = timedelta(days=1)


def bearing(secret: str) -> dict[str, str]:
    """The header that sends a key."""
    return {"Authorization": f"Bearer {secret}"}


def demo_key(settings: Settings, kind: Kind = "sk", label: str = DEMO) -> str:
    """A key for a month, in place of the one of this label that an earlier demo made."""
    with open_keys(settings) as table:
        now = datetime.now(UTC)
        for key in table.all():
            if key.label == label:
                table.revoke(key.prefix, now)
        return table.create(kind, label, now, expires_at=now + _DEMO_LASTS).secret


@contextmanager
def passing_key(settings: Settings, label: str) -> Iterator[str]:
    """A secret key that ends with the run, or after a day when the run could not end it."""
    with open_keys(settings) as table:
        now = datetime.now(UTC)
        issued = table.create("sk", label, now, expires_at=now + _RUN_LASTS)
        try:
            yield issued.secret
        finally:
            table.revoke(issued.key.prefix, datetime.now(UTC))


@contextmanager
def open_keys(settings: Settings) -> Iterator[KeyTable]:
    """The keys of the shop, as long as a `with` lasts."""
    engine = open_database(settings.database_url)
    try:
        yield KeyTable(engine)
    finally:
        engine.dispose()
