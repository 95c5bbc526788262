"""Where a visitor is read: in one thread while the files answer at once, with patience whatever does not."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.person import Person
from features.store import open_store
from serving.feature_rows import FeatureRows, Rows
from serving.readiness import readiness
from serving.reading import Asked
from serving.schemas import Subject
from serving.visitor import Degraded, Visitor
from serving.visitors import Visitors
from tests.serving.world import DRINKER, FEATURES, NOW, Shop
from tests.waiting import PATIENCE


class Counting:
    """Reads as `reading` does; counts, and raises while it is `locked`."""

    def __init__(self, reading: object) -> None:
        self.reading, self.locked, self.batches = reading, False, 0

    def read(self, asked: Sequence[Asked]) -> list[Visitor]:
        self.batches += 1
        if self.locked:
            raise OSError("database is locked")
        found: list[Visitor] = self.reading.read(asked)  # type: ignore[attr-defined]
        return found


@pytest.fixture
def visitors(shared: Shop, monkeypatch: pytest.MonkeyPatch) -> Visitors:
    """Those of the shop, that count. One has read before: whoever closes a file as the last locks it for a moment."""
    found: Visitors = shared.resources.visitors
    read(found)
    monkeypatch.setattr(found, "at_hand", Counting(found.at_hand))
    monkeypatch.setattr(found, "waiting", Counting(found.waiting))
    monkeypatch.setattr(found, "_at_hand_from", 0.0)
    monkeypatch.setattr(found, "_told", False)
    monkeypatch.setattr("serving.visitors._SLOW_SECONDS", PATIENCE)
    monkeypatch.setattr("serving.visitors._REST_SECONDS", PATIENCE)
    return found


def read(visitors: Visitors, window: timedelta | None = None) -> Visitor:
    since = None if window is None else NOW - window
    return asyncio.run(visitors.read(Subject(user_id=DRINKER), FEATURES, NOW, since))


def online_store(shop: Shop) -> str:
    """How it stands in /readyz."""
    return next(one.state for one in readiness(shop.resources).dependencies if one.name == "online_store")


def batches(visitors: Visitors) -> tuple[int, int]:
    """Those of the files at once, and those with patience."""
    at_hand, waiting = visitors.at_hand, visitors.waiting
    assert isinstance(at_hand, Counting)
    assert isinstance(waiting, Counting)
    return at_hand.batches, waiting.batches


def test_files_are_read_at_once_and_tell_what_is_read_with_patience(visitors: Visitors) -> None:
    here = read(visitors)
    assert batches(visitors) == (1, 0)
    (there,) = visitors.read_many([Subject(user_id=DRINKER)], FEATURES, NOW)
    assert batches(visitors) == (1, 1)
    assert len(here.ids)
    assert here.ids.tolist() == there.ids.tolist()
    assert here.days.tolist() == there.days.tolist()
    assert here.weights.tolist() == there.weights.tolist()


def test_what_was_shown_is_read_from_the_file_as_well(shared: Shop, visitors: Visitors) -> None:
    answer = shared.recommend(subject={"user_id": DRINKER})
    before = batches(visitors)
    here = read(visitors, timedelta(hours=1))
    assert batches(visitors) == (before[0] + 1, before[1])
    (there,) = visitors.read_many([Subject(user_id=DRINKER)], FEATURES, NOW, NOW - timedelta(hours=1))
    assert {item["item_id"] for item in answer["items"]} & here.shown.keys()
    assert here.shown == there.shown


def test_a_file_that_is_locked_is_left_to_who_waits_for_a_while(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitors.at_hand.locked = True  # type: ignore[union-attr]
    assert len(read(visitors).ids)
    assert len(read(visitors).ids)
    assert batches(visitors) == (1, 2), "nobody tries again so soon"
    visitors.at_hand.locked = False  # type: ignore[union-attr]
    monkeypatch.setattr(visitors, "_at_hand_from", 0.0)
    read(visitors)
    assert batches(visitors) == (2, 2)


def test_what_is_no_outage_is_logged_once_and_an_outage_never(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [OSError("gone"), sqlite3.OperationalError("locked"), KeyError("ours"), KeyError("ours")]
    for count, error in zip((0, 0, 1, 1), errors, strict=True):
        monkeypatch.setattr(visitors, "_at_hand_from", 0.0)
        monkeypatch.setattr(visitors, "at_hand", Mock(read=Mock(side_effect=error)))
        assert len(read(visitors).ids)
        assert len([one for one in caplog.records if one.name == "serving.visitors"]) == count, error


def test_files_on_two_disks_are_read_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of the disks may hang alone. The folder of the features need not be there yet."""
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    store = open_store(tmp_path / "not" / "there", "sqlite")
    logs = Log(engine, EVENTS), Log(engine, DECISIONS)

    def opened() -> Visitors:
        with ThreadPoolExecutor(1) as threads:
            found = Visitors(*logs, Identities(engine), store, 1.0, threads)
            found.close()
            return found

    here = opened()
    assert here.files is not None
    assert here.at_hand is not None
    monkeypatch.setattr("serving.visitors._disk", lambda path: path.name)
    there = opened()
    assert (there.files, there.at_hand) == (None, None)


@pytest.mark.parametrize("desk", [False, True])
def test_a_breaker_that_opened_closes_when_the_file_answers_again(
    shared: Shop, visitors: Visitors, monkeypatch: pytest.MonkeyPatch, desk: bool
) -> None:
    def ask() -> None:
        if desk:
            visitors.rows_of_all([Person(DRINKER, (DRINKER,), ())], FEATURES, NOW)
        else:
            read(visitors)

    failing = FeatureRows(visitors.store, Mock(read=Mock(side_effect=sqlite3.OperationalError("disk I/O error"))))
    with monkeypatch.context() as broken:
        broken.setattr(visitors, "at_hand", Mock(read=Mock(side_effect=OSError)))
        broken.setattr(visitors, "files", failing)
        broken.setattr(visitors.rows, "rows", failing)
        for _ in range(3):
            ask()
    assert (visitors.breaker.state, online_store(shared)) == ("open", "degraded")
    monkeypatch.setattr(visitors, "_at_hand_from", 0.0)
    ask()
    assert (visitors.breaker.state, online_store(shared)) == ("closed", "ok")


@pytest.mark.parametrize(("said", "known"), [("no such table: kairos_recent", True), ("database is locked", False)])
def test_a_store_of_before_the_projector_has_no_recent_events_and_other_errors_are_errors(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch, said: str, known: bool
) -> None:
    files = visitors.files
    assert files is not None
    monkeypatch.setattr("serving.feature_rows.read_recents", Mock(side_effect=sqlite3.OperationalError(said)))
    asked = [Person(DRINKER, (DRINKER,), ())], FEATURES, NOW
    if known:
        rows, recents = files.known(*asked)
        assert (len(rows[0]), recents) == (1, {})
    else:
        with pytest.raises(sqlite3.OperationalError, match=said):
            files.known(*asked)


def test_a_file_that_is_slow_answers_once_and_is_then_left_to_who_waits(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.visitors._SLOW_SECONDS", 0.0)
    for _ in range(2):
        assert len(read(visitors).ids)
    assert batches(visitors) == (1, 1)


def test_the_desk_reads_files_without_a_hand_over_and_waits_for_none_that_is_locked(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, asked = Person(DRINKER, (DRINKER,), ()), list[str]()
    files, in_time = visitors.files, visitors.rows.of
    assert files is not None

    def locked(*_: object) -> Rows:
        asked.append("files")
        raise OSError("database is locked")

    def threads(*given: Any) -> tuple[Rows | None, Degraded | None]:
        asked.append("threads")
        return in_time(*given)

    monkeypatch.setattr(visitors.rows, "of", threads)
    here, degraded = visitors.rows_of_all([person], FEATURES, NOW)
    assert (asked, degraded, len(here[0])) == ([], None, 1)
    monkeypatch.setattr(visitors, "files", Mock(of=locked))
    for _ in range(2):
        there, degraded = visitors.rows_of_all([person], FEATURES, NOW)
        assert (degraded, there[0][0].event_timestamp) == (None, here[0][0].event_timestamp)
    assert asked == ["files", "threads", "threads"], "nobody tries again so soon"
