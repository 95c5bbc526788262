"""A compaction by an engine: nothing is dropped before it answers, nor moved on over what the caller does not see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.database import open_database
from features.history import FILES, position
from features.log import EVENTS, Log
from pipelines import refresh
from pipelines.engine import Engine, Local
from pipelines.settings import Settings
from tests.features.shop import bought


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Ten orders, compacted here, of which an engine would take more than four at a time."""
    monkeypatch.setattr(refresh, "POSITIONS_A_PART", 4)
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'kairos.db'}", history=tmp_path / "history")
    log = Log(open_database(settings.database_url), EVENTS)
    log.append([bought(f"u{number}", number, f"o{number}", "p") for number in range(10)])
    log.engine.dispose()
    refresh.compact_history(settings, lambda _: None)
    return settings


def files(settings: Settings) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in settings.history.glob(FILES)}


def test_nothing_is_dropped_for_a_cluster_that_does_not_answer(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def nobody(_: str) -> Iterator[Engine]:
        raise ConnectionError
        yield

    monkeypatch.setattr(refresh, "opened", nobody)
    before = files(shop)
    with pytest.raises(ConnectionError):
        refresh.compact_history(shop.model_copy(update={"engine": "ray"}), lambda _: None, anew=True)
    assert files(shop) == before
    assert position(shop.history) == 10


def test_a_cluster_is_not_asked_to_read_a_file_of_sqlite(shop: Settings) -> None:
    before = files(shop)
    with pytest.raises(ValueError, match=r"cannot read a file of SQLite.* KAIROS_DATABASE_URL to PostgreSQL, or"):
        refresh.compact_history(shop.model_copy(update={"engine": "127.0.0.1:1"}), lambda _: None, anew=True)
    assert files(shop) == before


def test_an_engine_writes_the_bytes_of_a_loop(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    @contextmanager
    def at_hand(address: str) -> Iterator[Engine]:
        asked.append(address)
        yield Local()

    monkeypatch.setattr(refresh, "opened", at_hand)
    before = files(shop)
    done = refresh.compact_history(shop.model_copy(update={"engine": "ray"}), lambda _: None, anew=True)
    assert (asked, done.rows, done.position) == (["ray"], 10, 10)
    assert files(shop) == before
