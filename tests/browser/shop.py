"""The shop that the browser looks at: the small shop with periodic buyers, some traffic of today, and every report."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.activity import Activity
from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, to_record
from models.registry import Registry
from pipelines.report import REPORTS, report
from pipelines.settings import Settings
from tests.serving.console import groups_shop
from tests.serving.reports.reported import decide
from tests.serving.world import copy_world, settings_in

_KINDS = ("product_viewed", "product_added", "order_completed", "page_viewed")


def build_shop(restock_world: Path, folder: Path) -> None:
    """Everything below `folder`."""
    copy_world(restock_world, folder)
    decide(folder)
    groups_shop.live(folder)
    now = datetime.now(UTC)
    settings = settings_in(folder)
    engine = open_database(settings.database_url)
    Log(engine, EVENTS).append(
        [to_record(_event(number, now - timedelta(minutes=7 * number))) for number in range(400)]
    )
    activity = Activity(engine)
    while activity.step():
        pass
    engine.dispose()
    told = Settings(**{name: value for name, value in settings.model_dump().items() if name in Settings.model_fields})
    registry = Registry(settings.mlflow_uri, str(folder / "artifacts"))
    for name in REPORTS:
        try:
            report(told, registry, [name], now, now, lambda done, total: None)
        except (LookupError, FileNotFoundError):  # nothing to report yet: the page says so
            continue


def _event(number: int, at: datetime) -> Event:
    kind = _KINDS[number % len(_KINDS)]
    product = "ghost" if number % 23 == 0 else f"tea-{number % 5 + 1}"
    named = kind != "page_viewed"
    return Event(
        message_id=f"today-{number}",
        type=kind,
        occurred_at=at - timedelta(seconds=number % 90),
        received_at=at,
        user_id=f"visitor-{number % 40}",
        body=Body(
            order_id=f"today-{number}" if kind == "order_completed" else None,
            lines=(Line(product_id=product),) if named else (),
        ),
    )
