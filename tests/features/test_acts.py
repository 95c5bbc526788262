"""The record of acts keeps what was done in its order, page by page, until it is too old."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from features.acts import Acts
from features.privacy.retention import Retention, prune

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_acts_are_read_page_by_page_and_deleted_when_they_are_old(engine: Engine, tmp_path: Path) -> None:
    acts = Acts(engine)
    for day in range(10):
        acts.write(NOW + timedelta(days=day), "adm_1", "viewer", "looked", f"hash-{day}")
    first = acts.latest(4)
    assert [act.object for act in first] == ["hash-9", "hash-8", "hash-7", "hash-6"]
    assert [act.object for act in acts.latest(4, first[-1].number)] == ["hash-5", "hash-4", "hash-3", "hash-2"]
    assert [act.object for act in acts.latest(9, objects=("hash-3",))] == ["hash-3"]
    later = NOW + timedelta(days=10)
    assert prune(engine, tmp_path / "history", tmp_path / "features", Retention(), later).acts == 0
    assert prune(engine, tmp_path / "history", tmp_path / "features", Retention(acts=5), later).acts == 5
    assert [act.object for act in acts.latest(9)] == [f"hash-{day}" for day in range(9, 4, -1)]
