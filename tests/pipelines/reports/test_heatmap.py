"""The heat map knows the shop's quiet hours, clocks and live model."""

from datetime import timedelta
from pathlib import Path

from models.registry import Registry
from pipelines.reports.heatmap import compute
from pipelines.settings import Settings
from tests.training.policy.planted import START, Planted, hours, logs_at

BANK = """
zone = "Asia/Tokyo"

[channels.email]
quiet = "22:30-08:00"

[channels.sms]
legal = "10:00-20:00"
"""


def test_quiet_hours_and_the_clock_are_those_of_the_action_bank(tmp_path: Path) -> None:
    (tmp_path / "bank.toml").write_text(BANK)
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    shop = Planted(kept=logs_at(url))
    shop.decided("d", "ann")
    shop.sent("d", "ann", START + hours(24))
    shop.logs.events.engine.dispose()
    settings = Settings(
        database_url=url, action_bank=tmp_path / "bank.toml", mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"
    )
    found = dict(compute(settings, Registry(settings.mlflow_uri), START + timedelta(days=9), START))
    told = found["cart_recovery"]
    email, sms = told.closed["email"], told.closed["sms"]
    assert (email[22], email[23], email[0], email[7], email[8], email[21]) == (0.5, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert (sms[9], sms[10], sms[19], sms[20]) == (1.0, 0.0, 0.0, 1.0)
    assert (told.zone, told.model) == ("Asia/Tokyo", None)
    assert told.grids[0].sends[24 + 21] == 1, "sent on Tuesday at 12:00 UTC, which is 21:00 in the shop"
    assert {name: sum(one.grids[0].sends) for name, one in found.items() if one.grids[0].average.of} == {
        "cart_recovery": 1
    }
