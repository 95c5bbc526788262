"""What a made shop tells the service is what happened in it, in the shapes that the service takes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest

from pipelines.simulated_shop import Shop
from serving.decisions.event_schemas import ActivationRequest, OutcomeRequest
from serving.decisions.schemas import DecisionBatch
from training.policy.journal import Journal, gathered
from training.simulator.reported import POINT, Disorder, reported
from training.simulator.world import Drawn, World

WORLD = World(2)
AT = [datetime(2026, 6, 1, 10, minute, tzinfo=UTC) for minute in range(5)]


class Heard:
    """Notes every call and agrees."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={})

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == path]


def shop(heard: Heard) -> Shop:
    return Shop(httpx.Client(transport=httpx.MockTransport(heard), base_url="http://shop"), "run-1")


def test_carts_are_left_and_asked_about() -> None:
    heard, known = Heard(), WORLD.contexts(np.random.default_rng(1), 5)[0]
    shop(heard).leave(7, known, AT)
    shop(heard).decide(7, known, AT)
    (events,) = heard.bodies("/v1/batch")
    (asked,) = heard.bodies("/v1/decisions/batch")
    batch = DecisionBatch.model_validate(asked)
    worth = known.columns(["cart_value"])[:, 0]
    for i, (event, subject) in enumerate(zip(events["batch"], batch.subjects, strict=True)):
        assert event["userId"] == subject.user_id == f"run-1-{7 + i}"
        assert subject.trigger is not None
        assert event["properties"]["cart_id"] == subject.trigger.id
        assert subject.trigger.at == AT[i]
        paid = float(event["properties"]["price"]) * event["properties"]["quantity"]
        assert paid == pytest.approx(worth[i], abs=0.01 * event["properties"]["quantity"])
        assert shop(heard).number(subject.trigger.id) == 7 + i
    assert batch.as_of == AT[-1]


def news(count: int) -> tuple[Journal, Drawn]:
    logs = reported(WORLD, np.random.default_rng(3), count, Disorder(0, 0, 0)).logs
    _, found = gathered(logs.decisions, [POINT], logs.identities.table())
    left = np.arange(count) % 3 == 0
    bought = np.where(np.arange(count) % 2 == 0, 3.0, np.inf)
    rewards = np.where(np.isfinite(bought), 12.0, 0.0) - WORLD.departures.worth * left
    return found, Drawn(rewards, np.full(count, 5.0), bought, left)


def test_what_came_of_decisions_is_told_once_each() -> None:
    heard = Heard()
    found, fate = news(30)
    shop(heard).tell(found, fate)
    sent = found.decision_ids[found.sends].tolist()
    activated = [ActivationRequest.model_validate(body) for body in heard.bodies("/v1/activations")]
    assert [one.decision_id for one in activated] == sent
    left = [OutcomeRequest.model_validate(body) for body in heard.bodies("/v1/outcomes")]
    assert [one.decision_id for one in left] == found.decision_ids[found.sends & fate.unsubscribed].tolist()
    (events,) = heard.bodies("/v1/batch")
    assert len(events["batch"]) == fate.bought.sum()


def test_an_order_is_so_large_that_the_service_counts_what_was_earned() -> None:
    heard = Heard()
    found, fate = news(30)
    shop(heard).tell(found, fate)
    orders = {event["userId"]: event for event in heard.bodies("/v1/batch")[0]["batch"]}
    for i in np.flatnonzero(fate.bought):
        told, option, terms = orders[found.decided[i].customer_id], found.options[i], found.terms[i]
        value = float(told["properties"]["products"][0]["price"])
        lost = terms.unsubscribe_cost * fate.unsubscribed[i]
        counted = terms.margin * value - float(told["properties"]["discount"]) - option.cost - lost
        assert counted == pytest.approx(fate.rewards[i], abs=0.02) or value == 0.01
        assert datetime.fromisoformat(told["timestamp"]) == found.decided[i].trigger_at + timedelta(days=3)
