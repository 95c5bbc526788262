"""Readiness names what is away, from the breakers of those who ask: whatever it is, the service stays ready."""

import pytest

from serving.breaker import Breaker
from serving.readiness import readiness
from serving.resources import Resources
from tests.serving.world import Shop

BREAKERS = {
    "what is read": (lambda resources: resources.reads, "database"),
    "the event log": (lambda resources: resources.events.breaker, "database"),
    "the decision log": (lambda resources: resources.decisions.breaker, "database"),
    "the online store": (lambda resources: resources.visitors.breaker, "online_store"),
}


def degraded(resources: Resources) -> set[str]:
    found = readiness(resources)
    assert found.ready
    return {one.name for one in found.dependencies if one.state == "degraded"} - {"policies"}


@pytest.mark.parametrize("what", BREAKERS)
def test_what_nobody_waits_for_any_more_is_degraded_until_it_answers_again(
    shop: Shop, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker_of, name = BREAKERS[what]
    breaker: Breaker = breaker_of(shop.resources)
    assert degraded(shop.resources) == set()
    monkeypatch.setattr(breaker, "admits", lambda: False)  # whoever asks by himself would find it well
    for _ in range(3):
        breaker.failed()
    assert degraded(shop.resources) == {name}
    breaker.succeeded()
    assert degraded(shop.resources) == set()
