"""A compaction by an engine: nothing is dropped before it answers, nor moved on over what the caller does not see."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features import history
from features.database import open_database
from features.history import FILES, position
from features.history_part import Positions, Written, write_part_from
from features.log import EVENTS, Log, Record
from models.registry import Registry
from pipelines import refresh
from pipelines.__main__ import app
from pipelines.engine import Engine, Local
from pipelines.score import score
from pipelines.settings import Settings
from tests.features.shop import bought


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Ten orders, compacted here, of which an engine would take more than four at a time."""
    monkeypatch.setattr(refresh, "POSITIONS_A_PART", 4)
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'kairos.db'}",
        history=tmp_path / "history",
        mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
    )
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


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whatever engine is opened is a loop; which were asked for."""
    asked: list[str] = []

    @contextmanager
    def opened(address: str) -> Iterator[Engine]:
        asked.append(address)
        yield Local()

    monkeypatch.setattr(refresh, "opened", opened)
    return asked


def test_an_engine_writes_the_bytes_of_a_loop(shop: Settings, at_hand: list[str]) -> None:
    before = files(shop)
    done = refresh.compact_history(shop.model_copy(update={"engine": "ray"}), lambda _: None, anew=True)
    assert (at_hand, done.rows, done.position) == (["ray"], 10, 10)
    assert files(shop) == before


def test_a_part_that_fails_is_named_and_all_are_written_anew(
    shop: Settings, at_hand: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, tried = files(shop), list[Positions]()
    on_ray = shop.model_copy(update={"engine": "ray"})

    def failing(url: str, folder: Path, buckets: int, positions: Positions) -> Written:
        tried.append(positions)
        if positions == (5, 8) and len(tried) < 7:
            raise OSError("the disk is full")
        return write_part_from(url, folder, buckets, positions)

    monkeypatch.setattr(refresh, "write_part_from", failing)
    for anew, stands in ((True, "ends at position 0, since --rebuild dropped it:"), (False, "stays where it was:")):
        told = rf"1 of 3 parts .*{stands}.* writes all 3 anew\. positions 5 to 8: OSError: the disk is full"
        with pytest.raises(RuntimeError, match=told) as caught:
            refresh.compact_history(on_ray, lambda _: None, anew=anew)
        assert "kept" not in str(caught.value)
        assert position(shop.history) == 0
    assert refresh.compact_history(on_ray, lambda _: None).position == 10
    assert tried == [(1, 4), (5, 8), (9, 10)] * 3
    assert files(shop) == before
    assert at_hand == ["ray"] * 3


def test_events_that_cannot_be_read_are_told_and_stop_nothing(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(open_database(shop.database_url), EVENTS)
    log.append([Record(f"damaged {number}", "page_viewed", 1, 1, "u1", None, "[]") for number in range(2)])
    log.append([Record("damaged alias", "aliased", 1, 1, "u1", None, '{"previous_id":3}')])
    log.append([bought("u1", 11, "o11", "p")])
    log.engine.dispose()
    monkeypatch.setenv("KAIROS_DATABASE_URL", shop.database_url)
    monkeypatch.setenv("KAIROS_HISTORY", str(shop.history))
    for rows in (1, 0):
        found = CliRunner().invoke(app, ["compact", "--json"])
        assert found.exit_code == 0, found.output
        report = {"rows": rows, "position": 14, "unreadable": 3, "unreadable_at": [11, 12, 13]}
        assert json.loads(found.stdout) == report
        assert "3 events of the log are not in the history" in found.stderr
        assert "the positions 11, 12, 13." in found.stderr
        assert "not where a retention of events shortened the log" in found.stderr


def test_while_a_history_is_made_anew_nobody_takes_it_for_none_nor_its_beginning_for_all(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = refresh.end_of_history(shop)
    write = history.write_part

    def killed(has: str, broken: Positions) -> None:
        def failing(log: Log, folder: Path, buckets: int, positions: Positions, *others: Any) -> Written:
            if positions == broken:
                raise OSError("killed")
            return write(log, folder, buckets, positions, *others)

        with monkeypatch.context() as patch:
            patch.setattr(history, "write_part", failing)
            with pytest.raises(OSError, match="killed"):
                refresh.compact_history(shop, lambda _: None, anew=True)
        for ask in (
            lambda: refresh.end_of_history(shop),
            lambda: refresh.build_features(shop, None, end),
            lambda: score(shop, Registry(shop.mlflow_uri), None, end, lambda _done, _of: None),
        ):
            with pytest.raises(RuntimeError, match=f"is being made and {has}; run this again"):
                ask()

    killed("has nothing yet", (1, 4))
    killed("reached position 4 of 10", (5, 8))
    refresh.compact_history(shop, lambda _: None)
    assert refresh.end_of_history(shop) == end


def test_a_rebuild_mends_a_damaged_state(shop: Settings) -> None:
    before = files(shop)
    (shop.history / "state.json").write_text('{"buck')
    with pytest.raises(ValueError, match=r"state\.json cannot be read"):
        refresh.compact_history(shop, lambda _: None)
    assert refresh.compact_history(shop, lambda _: None, anew=True).rows == 10
    assert files(shop) == before
