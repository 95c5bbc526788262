"""A shop with decisions, forecasts and history, and its reports as the verb computes them."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from features.customer_restock import keep_restock
from features.customer_segments import read_customers
from features.definitions import RESTOCK_FEATURES
from features.snapshots import newest
from models.registry import Registry
from pipelines.report import report
from pipelines.settings import Settings
from tests.serving.world import NOW
from tests.training.policy.planted import Planted, hours, logs_at

COUNT = 60
NAMES = ("funnel", "heatmap", "segments")
_OWN = {"log_position", "as_of_us", "created_us"}


def plant(folder: Path) -> None:
    """Decisions of three weeks ago, and forecasts for everybody."""
    decide(folder)
    foresee(folder)


def decide(folder: Path) -> None:
    """Decisions of three weeks ago and what came of them, and one whose window is open."""
    shop = Planted(kept=logs_at(f"sqlite:///{folder / 'kairos.db'}"))
    start = NOW - timedelta(days=21)
    for number in range(COUNT):
        at, key, who = start + hours(number), f"decision-{number}", f"visitor-{number}"
        shop.decided(key, who, at, number % 4 > 0, context={"is_new": 1.0}, timezone="Asia/Tokyo")
        if number % 4:
            shop.sent(key, who, at + hours(24))
        if number % 8 == 1:
            shop.happened("message_clicked", who, at + hours(25), decision_id=key, channel="email")
        if number % 6 == 1:
            shop.ordered(who, at + hours(30), "12.50")
        if number % 10 == 1:
            shop.happened("message_converted", who, at + hours(31), decision_id=key, channel="email")
    shop.decided("open", "visitor-open", NOW - hours(2))
    shop.logs.events.engine.dispose()


def foresee(folder: Path) -> None:
    """How likely everybody comes back, as foreseen now and forty days ago."""
    ids = np.sort(read_customers(newest(folder / "features", "customer")).customer_ids)
    columns = {one.name: np.zeros(len(ids)) for one in RESTOCK_FEATURES if one.name not in _OWN}
    columns["repurchase_probability_28d"] = np.linspace(0.05, 0.95, len(ids))
    columns["is_overdue"] = np.zeros(len(ids), bool)
    columns["groups_due_7d"] = np.zeros(len(ids), np.int64)
    for made in (NOW, NOW - timedelta(days=40)):
        keep_restock(folder / "features", made, made, 0, ids, columns)


def compute(folder: Path) -> None:
    """Run the verb for our reports."""
    settings = Settings(
        database_url=f"sqlite:///{folder / 'kairos.db'}",
        history=folder / "history",
        feature_data=folder / "features",
        privacy_key=folder / "privacy.key",
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
    )
    registry = Registry(settings.mlflow_uri, str(folder / "artifacts"))
    report(settings, registry, NAMES, NOW, NOW, lambda *_: None)
