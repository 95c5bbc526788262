"""Funnel and heat map come from one reading, of the newest decisions; quiet hours and clocks are the shop's."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.database import open_database
from features.reports.funnel import Funnel
from features.reports.heatmap import HeatMap
from features.reports.stretch import Stretch
from features.reports.table import ReportTable
from models.registry import Registry
from pipelines.report import report
from pipelines.reports import decided
from pipelines.reports.decided import compute
from pipelines.settings import Settings
from tests.training.policy.planted import POINT, START, Planted, hours, logs_at

BANK = """
zone = "Asia/Tokyo"

[channels.email]
quiet = "22:30-08:00"

[channels.sms]
legal = "10:00-20:00"
"""


LATER = START + timedelta(days=100)


def maps(settings: Settings, as_of: datetime) -> Iterator[tuple[HeatMap, str]]:
    """The heat map of each point."""
    for _, point, found in compute(settings, Registry(settings.mlflow_uri), as_of, as_of):
        if isinstance(found, HeatMap):
            yield found, point


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path) -> Settings:
    """A decision a day for a hundred days, at two points in turn, each with a message."""
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    shop = Planted(kept=logs_at(url))
    for day in range(100):
        at, point = START + timedelta(days=day), POINT if day % 2 else "browse"
        name = f"simulated-{day}" if day > 95 else f"c{day}"
        shop.decided(f"d{day}", name, at, decision_point=point)
        shop.sent(f"d{day}", name, at + hours(1))
    shop.logs.events.engine.dispose()
    return Settings(database_url=url, mlflow_uri=f"sqlite:///{empty_mlflow}")


def test_both_reports_look_as_far_back_as_they_say(settings: Settings) -> None:
    for within, seen in ((Stretch(), 45), (Stretch(days=10), 5), (Stretch(days=10, most=3), 3)):
        found = compute(settings, Registry(settings.mlflow_uri), LATER, LATER, within)
        for _, point, told in found:
            counted = told.immature + (told.stages[0].count if isinstance(told, Funnel) else told.grids[0].average.of)
            there = point in (POINT, "browse")
            assert counted == (seen if there else 0)
            assert told.stretch == Stretch(within.days, within.most, limited=there and seen == 3)
            assert told.simulated == (2 if there else 0)


def test_what_came_is_joined_once_for_both(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []

    def counting(*told: Any) -> Any:
        joined.append(len(told[3]))
        return outcomes(*told)

    outcomes = decided.outcomes
    monkeypatch.setattr(decided, "outcomes", counting)
    registry, table = Registry(settings.mlflow_uri), ReportTable(open_database(settings.database_url))
    done = report(settings, registry, ["funnel", "heatmap"], LATER, LATER, lambda *_: None)
    assert [one.name for one in done] == ["funnel", "heatmap"]
    assert done[0].scopes == done[1].scopes
    assert sum(joined) == 90, "each decision of the window once"
    assert table.read("funnel", POINT, Funnel) is not None
    assert table.read("heatmap", POINT, HeatMap) is not None


def test_one_of_them_alone_leaves_the_other_as_it_was(settings: Settings) -> None:
    table = ReportTable(open_database(settings.database_url))
    done = report(settings, Registry(settings.mlflow_uri), ["heatmap"], LATER, LATER, lambda *_: None)
    assert [one.name for one in done] == ["heatmap"]
    assert table.read("heatmap", POINT, HeatMap) is not None
    assert table.read("funnel", POINT, Funnel) is None


def test_quiet_hours_and_the_clock_are_those_of_the_action_bank(tmp_path: Path) -> None:
    (tmp_path / "bank.toml").write_text(BANK)
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    shop = Planted(kept=logs_at(url))
    shop.decided("d", "ann")
    shop.sent("d", "ann", START + hours(24))
    shop.logs.events.engine.dispose()
    own = Settings(
        database_url=url, action_bank=tmp_path / "bank.toml", mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"
    )
    found = {point: one for one, point in maps(own, START + timedelta(days=9))}
    told = found["cart_recovery"]
    email, sms = told.closed["email"], told.closed["sms"]
    assert (email[22], email[23], email[0], email[7], email[8], email[21]) == (0.5, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert (sms[9], sms[10], sms[19], sms[20]) == (1.0, 0.0, 0.0, 1.0)
    assert (told.zone, told.model) == ("Asia/Tokyo", None)
    assert told.grids[0].sends[24 + 21] == 1, "sent on Tuesday at 12:00 UTC, which is 21:00 in the shop"
    assert {name: sum(one.grids[0].sends) for name, one in found.items() if one.grids[0].average.of} == {
        "cart_recovery": 1
    }
