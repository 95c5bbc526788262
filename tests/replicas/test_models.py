"""Another version is live on every worker within seconds, and back again, and no request fails meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import fault_traffic
from benchmarks.fault_traffic import DECIDE, RECOMMEND, TRACK, Traffic
from models.published import CHAMPION
from tests.replicas.world import WORKERS, Replicas
from tests.serving.world import NOW
from tests.waiting import until

pytestmark = pytest.mark.slow


@contextmanager
def traffic(replicas: Replicas) -> Iterator[list[Traffic]]:
    """Callers on their way to both, each request over a connection of its own.

    One that rested is closed by the server, who may not have heard yet that another request is on it: no failure.
    """
    people = [f"u{number}" for number in range(9)]
    both = [Traffic(server.url, replicas.headers, people, 20.0, 2) for server in replicas.servers.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fault_traffic, "_IDLE", -1.0)
        for callers in both:
            callers.start()
        try:
            until(lambda: all(len(callers.seen.recommendations) > 5 for callers in both), "some are answered")
            yield both
        finally:
            for callers in both:
                callers.stop()


def refused(replicas: Replicas, number: str) -> bool:
    """Whether every worker says that it keeps a version out."""
    told = [response.json()["refused"] for response in replicas.everywhere()]
    return all(number in [one["version"] for one in some] for some in told)


def test_a_version_goes_live_everywhere_and_back_and_a_broken_one_nowhere(replicas: Replicas) -> None:
    registry = replicas.registry
    before = registry.alias("recommender", CHAMPION)
    assert before is not None
    until(lambda: replicas.live() == {before.number}, "both begin with the same")
    fresh, broken = replicas.publish(7.0), replicas.publish(3.0, ("nobody_computes_this",))
    with traffic(replicas) as both:
        registry.promote(fresh, "a test", "it is new", NOW)
        until(lambda: replicas.live() == {fresh.number}, "every worker answers with the new one")
        registry.promote(broken, "a test", "nobody looked", NOW)
        until(lambda: refused(replicas, broken.number), "every worker refuses it")
        assert replicas.live() == {fresh.number}
        registry.rollback("recommender", "a test", "it was broken", NOW)
        registry.rollback("recommender", "a test", "the old one was good", NOW)
        until(lambda: replicas.live() == {before.number}, "every worker is back")
        time.sleep(4 * replicas.settings.refresh_seconds)
        assert replicas.live() == {before.number}
    assert len(WORKERS) == len(both)
    for callers in both:
        answered = {status for (_, path, status) in callers.seen.answers if path in (RECOMMEND, TRACK, DECIDE)}
        assert answered == {"200"}, callers.seen.answers
