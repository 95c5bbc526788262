"""One of two replicas is killed as it answers: the other goes on, and what was acknowledged is in the logs once."""

import pytest

from benchmarks.fault_traffic import DECIDE, RECOMMEND, TRACK
from tests.replicas.test_models import traffic
from tests.replicas.world import Replicas, ready
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_the_other_answers_on_and_nothing_acknowledged_is_lost(replicas: Replicas) -> None:
    with traffic(replicas) as (doomed, other):
        replicas.servers["a"].kill()
        count = len(other.seen.recommendations)
        until(lambda: len(other.seen.recommendations) > count + 20, "the other goes on")
        doomed.stop()
    replicas.start("a")
    ready(replicas.servers["a"])
    for path in (RECOMMEND, TRACK, DECIDE):
        assert not other.seen.failed(path)
        assert not doomed.seen.failed(path)
    assert doomed.seen.events
    assert other.seen.events
    told = doomed.seen.events | other.seen.events
    shown = {id_ for one in (doomed.seen, other.seen) for id_ in one.recommendations | one.decisions}
    until(lambda: told <= set(replicas.events()), "every event is in the log, if by way of a journal")
    until(lambda: shown <= set(replicas.decisions()), "every decision is in the log")
    events, decisions = replicas.events(), replicas.decisions()
    assert (len(events), len(decisions)) == (len(set(events)), len(set(decisions)))
