"""The challenger is loaded when somebody looks, once for all who look, and let go soon after."""

import threading
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from models.published import CHALLENGER, Version
from models.registry import Registry
from serving.bundle import Bundle
from serving.reports.challenger import Challenger
from tests.waiting import PATIENCE, until

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Shelf:
    """A registry of versions that are loaded when `gate` opens; it counts."""

    def __init__(self, number: str | None = "2") -> None:
        self.number = number
        self.gate = threading.Event()
        self.gate.set()
        self.loads: list[str] = []
        self.broken = False

    def alias(self, name: str, alias: str) -> Version | None:
        assert (name, alias) == ("recommender", CHALLENGER)
        return None if self.number is None else Version(name, self.number, "run", alias, NOW)

    def load(self, version: Version) -> Any:
        self.loads.append(version.number)
        assert self.gate.wait(PATIENCE)
        if self.broken:
            raise OSError("its files are away")
        return version.number


def holder(shelf: Shelf, kept_seconds: float = 300.0) -> Challenger:
    return Challenger(cast(Registry, shelf), lambda published: cast(Bundle, f"bundle {published}"), kept_seconds)


def test_without_a_challenger_and_with_the_champion_itself_nothing_is_loaded() -> None:
    shelf = Shelf(None)
    assert holder(shelf).beside("1", PATIENCE).side == "none"
    shelf.number = "1"
    assert holder(shelf).beside("1", PATIENCE).side == "same"
    assert shelf.loads == []


def test_whoever_is_not_patient_is_told_that_it_is_being_loaded() -> None:
    shelf = Shelf()
    shelf.gate.clear()
    challenger = holder(shelf)
    assert challenger.beside("1", 0.01).side == "loading"
    assert challenger.beside("1", 0.01).side == "loading"
    shelf.gate.set()
    until(lambda: challenger.beside("1", 0.01).side == "ready", "it is loaded")
    assert str(challenger.beside("1", PATIENCE).bundle) == "bundle 2"
    assert shelf.loads == ["2"]
    challenger.close()


def test_many_who_look_at_once_load_it_once() -> None:
    shelf, found = Shelf(), []
    challenger = holder(shelf)
    threads = [threading.Thread(target=lambda: found.append(challenger.beside("1", PATIENCE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.side for one in found} == {"ready"}
    assert shelf.loads == ["2"]
    challenger.close()


def test_it_is_let_go_when_nobody_looks_any_more() -> None:
    shelf = Shelf()
    challenger = holder(shelf)
    assert challenger.beside("1", PATIENCE).side == "ready"
    challenger.kept_seconds = 0.05  # not from the start: who waits for loading may be woken later than that
    assert challenger.beside("1", PATIENCE).side == "ready"
    until(lambda: challenger._held is None, "it is let go")
    challenger.kept_seconds = 300.0
    assert challenger.beside("1", PATIENCE).side == "ready"
    assert shelf.loads == ["2", "2"]
    challenger.close()


def test_at_most_one_version_is_held() -> None:
    shelf = Shelf()
    challenger = holder(shelf)
    assert str(challenger.beside("1", PATIENCE).bundle) == "bundle 2"
    shelf.number = "3"
    assert str(challenger.beside("1", PATIENCE).bundle) == "bundle 3"
    assert str(challenger._held) == "('3', 'bundle 3')"
    challenger.close()


def test_one_that_cannot_be_loaded_is_said_to_have_failed_and_is_not_tried_at_every_look(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    shelf.broken = True
    challenger = holder(shelf)
    assert challenger.beside("1", PATIENCE).side == "failed"
    assert challenger.beside("1", PATIENCE).side == "failed"
    assert shelf.loads == ["2"]
    assert "cannot be shown beside the champion" in caplog.text
    shelf.broken, shelf.number = False, "3"
    assert challenger.beside("1", PATIENCE).side == "ready"
    challenger.close()


def test_what_is_loaded_when_the_service_ends_is_not_kept() -> None:
    shelf = Shelf()
    challenger = holder(shelf)
    challenger.beside("1", PATIENCE)
    challenger.close()
    assert challenger._held is None
