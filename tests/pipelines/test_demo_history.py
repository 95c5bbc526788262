"""What the demo tells of its made shop: every customer says so, nothing lies behind the end, nothing is told twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import pipelines.demo_history as demo_history
from features.database import open_database
from features.decisions import DECISION
from features.log import DECISIONS, Log, Record
from features.simulated import PREFIX
from models.registry import Registry
from pipelines.demo_history import CARTS, RUN, WEEKS, live_through, lived
from pipelines.policies import Decider
from pipelines.settings import Settings
from pipelines.simulated_shop import Shop
from training.policy.dataset import Logs
from training.policy.journal import gathered
from training.simulator.reported import POINT, Disorder, reported
from training.simulator.world import World

END = datetime(2018, 1, 1, tzinfo=UTC)


class Heard:
    """Notes every call and agrees."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path == "/v1/batch":
            assert len(body["batch"]) <= 500
            self.batches += body["batch"]
        else:
            assert request.url.path == "/v1/decisions/batch"
            self.asked.append(body)
        return httpx.Response(200, json={})

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self), base_url="http://shop")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'kairos.db'}", mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"
    )


def test_the_weeks_end_with_the_data_and_every_customer_says_that_it_was_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[datetime] = []

    def learning(_policy: Decider, found: Logs, _registry: Registry, as_of: datetime) -> None:
        assert found.made, "the policy of the demo learns of its made customers"
        learned.append(as_of)

    monkeypatch.setattr(demo_history, "learned", learning)
    heard, ticks = Heard(), list[int]()
    with heard.client() as client:
        made = live_through(client, settings, Registry(settings.mlflow_uri), END, lambda done, _: ticks.append(done))
    subjects = [subject for asked in heard.asked for subject in asked["subjects"]]
    assert made == len(subjects) == WEEKS * CARTS == ticks[-1]
    assert len({subject["user_id"] for subject in subjects}) == made
    assert {message["userId"] for message in heard.batches} >= {subject["user_id"] for subject in subjects}
    assert all(message["userId"].startswith(PREFIX) for message in heard.batches)
    assert len({message["messageId"] for message in heard.batches}) == len(heard.batches)
    assert max(message["timestamp"] for message in heard.batches) < END.isoformat()
    for asked in heard.asked:
        assert asked["as_of"] == max(subject["trigger"]["at"] for subject in asked["subjects"])
        assert END - timedelta(weeks=WEEKS) <= datetime.fromisoformat(asked["as_of"]) < END
    assert learned == [END - timedelta(weeks=WEEKS - week - 1) for week in range(WEEKS)]


def test_what_came_of_decisions_hangs_together_and_nobody_who_has_bought_is_written_to(tmp_path: Path) -> None:
    world, rng = World(2), np.random.default_rng(3)
    logs = reported(world, rng, 300, Disorder(0, 0, 0)).logs
    _, decided = gathered(logs.decisions, [POINT], logs.identities.table())
    fate = world.draw(rng, decided.contexts, decided.eligible, decided.chosen)
    with Heard().client() as client:
        news = list(demo_history._news(Shop(client, RUN), rng, decided.contexts, decided, fate))
    at = {(message["event"], message["userId"]): message["timestamp"] for message in news}
    for (event, who), when in at.items():
        if event.startswith("Message ") or event == "Unsubscribed":
            assert at["Message Sent", who] <= when
        if event == "Message Sent" and ("Order Completed", who) in at:
            assert when <= at["Order Completed", who]
        if event == "Message Converted":
            assert at["Message Clicked", who]
            assert at["Order Completed", who] < when
    kinds = {event for event, _ in at}
    assert kinds >= {"Message Sent", "Message Delivered", "Message Opened", "Message Clicked", "Order Completed"}
    assert sum(event == "Order Completed" for event, _ in at) == fate.bought.sum()


def test_a_second_demo_finds_what_the_first_one_told(settings: Settings) -> None:
    assert not lived(settings)
    log = Log(open_database(settings.database_url), DECISIONS)
    log.append([Record("one", DECISION, 1, 1, f"{RUN}-0", None, "{}")])
    assert not lived(settings)
    log.append([Record("last", DECISION, 2, 2, f"{RUN}-{WEEKS * CARTS - 1}", None, "{}")])
    assert lived(settings)
