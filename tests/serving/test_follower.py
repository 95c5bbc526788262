"""A follower looks at once, when it is woken, and again after a look that failed."""

import pytest

from serving.follower import Follower
from serving.metrics import Counter
from tests.waiting import PATIENCE, until


@pytest.fixture(autouse=True)
def nobody_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look hangs here, however long it takes."""
    monkeypatch.setattr("serving.follower._LEAVE_SECONDS", PATIENCE)


def test_a_look_that_fails_is_counted_and_not_the_last() -> None:
    failures = Counter("failures", "of a test")
    looks: list[bool] = []

    def look() -> None:
        looks.append(len(looks) < 2)
        if looks[-1]:
            raise OSError("the disk is away")

    follower = Follower("a-test", look, 3_600.0, failures)
    assert not follower.looked
    follower.start()
    until(lambda: follower.looked, "the first look is over")
    assert follower.failing
    follower.wake()
    until(lambda: len(looks) == 2, "the second look")
    follower.wake()
    until(lambda: len(looks) == 3 and not follower.failing, "the third look finds everything well")
    follower.close()
    assert failures.state() == {(): [2.0]}
    assert not follower._thread.is_alive()


def test_one_that_never_started_can_be_closed() -> None:
    Follower("a-test", lambda: None, 1.0, Counter("failures", "of a test")).close()


def test_one_that_is_to_look_at_last_looks_once_more_when_it_is_closed() -> None:
    looks: list[None] = []
    follower = Follower("a-test", lambda: looks.append(None), 3_600.0, Counter("failures", "of a test"), at_last=True)
    follower.start()
    until(lambda: follower.looked, "the first look is over")
    follower.close()
    assert len(looks) == 2
