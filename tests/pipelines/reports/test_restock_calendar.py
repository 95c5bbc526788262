"""The calendar rests on the history where there is one, and is not made of nothing while that is being made."""

from pathlib import Path

import pytest

from features.database import open_database
from features.history import compact, drop
from features.log import EVENTS, Log
from models.registry import Registry
from pipelines.reports.restock_calendar import compute
from tests.serving.console.test_restock import settings
from tests.serving.world import NOW, copy_world


def test_while_the_history_is_made_anew_there_is_no_calendar_without_its_intervals(
    restock_world: Path, tmp_path: Path
) -> None:
    folder = copy_world(restock_world, tmp_path / "shop")
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    compact(Log(engine, EVENTS), folder / "history", 2)
    drop(folder / "history")
    engine.dispose()
    with pytest.raises(RuntimeError, match="is being made and has nothing yet"):
        list(compute(settings(folder), Registry(f"sqlite:///{folder / 'mlflow.db'}"), NOW, NOW))
