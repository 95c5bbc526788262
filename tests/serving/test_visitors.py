"""Where a visitor is read: in one thread while the files answer at once, with patience whatever does not."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from features.identity import Person
from serving.feature_rows import Rows
from serving.reading import Asked
from serving.schemas import Subject
from serving.visitor import Degraded, Visitor
from serving.visitors import Visitors
from tests.serving.world import DRINKER, FEATURES, NOW, Shop


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
    found = shared.resources.visitors
    monkeypatch.setattr(found, "at_hand", Counting(found.at_hand))
    monkeypatch.setattr(found, "waiting", Counting(found.waiting))
    monkeypatch.setattr(found, "_at_hand_from", 0.0)
    monkeypatch.setattr("serving.visitors._SLOW_SECONDS", 60.0)
    return found


def read(visitors: Visitors, window: timedelta | None = None) -> Visitor:
    since = None if window is None else NOW - window
    return asyncio.run(visitors.read(Subject(user_id=DRINKER), FEATURES, NOW, since))


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


def test_what_was_shown_is_read_from_the_file_as_well(visitors: Visitors) -> None:
    read(visitors, timedelta(hours=1))
    assert batches(visitors) == (1, 0)


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
