"""The report of segments takes the tables that were there, and judges a forecast only when its days have passed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from features.customer_restock import keep_restock
from features.database import open_database
from features.definitions import RESTOCK_FEATURES
from features.events import Body, Event, Line
from features.history import compact
from features.log import EVENTS, Log, to_record
from features.reports.segments import Segments
from features.snapshots import build
from models.registry import Registry
from pipelines.reports.segments import compute
from pipelines.settings import Settings

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
OWN = {"log_position", "as_of_us", "created_us"}


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path) -> Settings:
    """Ann orders on day 0, Bob on days 0 and 100; tables of days 50 and 100."""
    found = Settings(
        database_url=f"sqlite:///{tmp_path / 'kairos.db'}",
        history=tmp_path / "history",
        feature_data=tmp_path / "features",
        mlflow_uri=f"sqlite:///{empty_mlflow}",
    )
    engine = open_database(found.database_url)
    log = Log(engine, EVENTS)
    log.append([to_record(_order(who, day)) for who, day in (("ann", 0), ("bob", 0), ("bob", 75), ("bob", 100))])
    compact(log, found.history, 1)
    for day in (50, 110):
        build(found.history, NOBODY, found.feature_data, BEGIN + day * DAY)
    for day in (50, 90, 110):
        _foresee(found.feature_data, BEGIN + day * DAY)
    engine.dispose()
    return found


def _order(who: str, day: int) -> Event:
    at = BEGIN + day * DAY + timedelta(hours=1)
    return Event(
        message_id=f"{who}-{day}",
        type="order_completed",
        occurred_at=at,
        received_at=at,
        user_id=who,
        body=Body(order_id=f"{who}-{day}", lines=(Line(product_id="tea"),)),
    )


def _foresee(folder: Path, at: datetime) -> None:
    columns = {one.name: np.zeros(2) for one in RESTOCK_FEATURES if one.name not in OWN}
    columns["repurchase_probability_28d"] = np.array([0.1, 0.9])
    columns["is_overdue"] = np.zeros(2, bool)
    columns["groups_due_7d"] = np.zeros(2, np.int64)
    keep_restock(folder, at, at, 0, np.array(["ann", "bob"], object), columns)


def told(settings: Settings, day: int) -> Segments:
    ((_, scope, found),) = compute(settings, Registry(settings.mlflow_uri), BEGIN + day * DAY, BEGIN + 200 * DAY)
    assert scope == ""
    return found


def test_what_was_made_later_is_not_known_yet(settings: Settings) -> None:
    early, late = told(settings, 60), told(settings, 120)
    assert (early.table_as_of, late.table_as_of) == (BEGIN + 50 * DAY, BEGIN + 110 * DAY)
    assert (early.forecast_as_of, late.forecast_as_of) == (BEGIN + 50 * DAY, BEGIN + 110 * DAY)
    assert told(settings, 40).customers == 0


def test_a_forecast_is_judged_when_its_days_have_passed_and_by_what_came_in_them(settings: Settings) -> None:
    assert told(settings, 70).checked_as_of is None
    found = told(settings, 120)
    assert found.checked_as_of == BEGIN + 50 * DAY, "the history ends on day 100, so that of day 90 is not over"
    assert [(one.expected, one.came.count, one.came.of) for one in found.checked if one.came] == [
        (0.1, 0, 1),
        (0.9, 1, 1),
    ]
