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
    events, decisions = replicas.events(), replicas.decisions()
    for seen in (doomed.seen, other.seen):
        assert seen.events
        assert seen.events <= set(events)
        assert seen.recommendations | seen.decisions <= set(decisions)
    assert (len(events), len(decisions)) == (len(set(events)), len(set(decisions)))
