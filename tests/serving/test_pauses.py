"""A worker looks for garbage seldom, and only in what came after its start; turns are set back where they can."""

import gc
import sys
from collections.abc import Iterator

import pytest

from serving.pauses import keep_what_is_there, taking_turns


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Other tests are to find the collector as they set it."""
    threshold, frozen = gc.get_threshold(), gc.get_freeze_count()
    yield
    gc.set_threshold(*threshold)
    if not frozen:
        gc.unfreeze()


@pytest.mark.usefixtures("as_it_was")
def test_what_was_there_at_the_start_is_looked_through_no_more() -> None:
    kept = [[number] for number in range(1_000)]
    looked_through = {*map(id, gc.get_objects())}
    assert looked_through.issuperset(map(id, kept))
    keep_what_is_there()
    looked_through = {*map(id, gc.get_objects())}
    assert looked_through.isdisjoint(map(id, kept))
    assert gc.get_threshold()[0] >= 50_000


def test_threads_take_turns_quickly_as_long_as_it_is_asked_for() -> None:
    before = sys.getswitchinterval()
    with taking_turns():
        assert sys.getswitchinterval() == pytest.approx(0.001)
    assert sys.getswitchinterval() == before
