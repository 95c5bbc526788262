"""The real service, killed while it is told of events and decides: what it acknowledged is on the disk as it said."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Engine

from features.database import open_database
from features.decisions import DECISION, Decided
from features.log import DECISIONS, EVENTS, Log
from serving.decisions.answers import answer_of
from tests.serving.decisions.world import request
from tests.serving.server import kill_while_asked
from tests.serving.world import copy_world

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Answered:
    """What the service answered with 200 before it was killed, and the database that it left."""

    database: Engine
    events: list[str] = field(default_factory=list)
    decisions: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def answered(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    folder = copy_world(world, tmp_path_factory.mktemp("killed") / "shop")
    found, numbers = Answered(open_database(f"sqlite:///{folder / 'kairos.db'}")), itertools.count()

    def ask(client: httpx.Client) -> None:
        number = next(numbers)
        ids = [f"kill-{number}-{place}" for place in range(3)]
        if client.post("/v1/batch", json={"batch": [viewed(id_) for id_ in ids]}).status_code == 200:
            found.events.extend(ids)
        response = client.post("/v1/decisions", json=live_request(number))
        if response.status_code == 200:
            found.decisions[response.json()["decision_id"]] = response.content

    kill_while_asked(folder, ask, lambda: len(found.events) > 300 and len(found.decisions) > 60)
    yield found
    found.database.dispose()


def viewed(message_id: str) -> dict[str, Any]:
    """One event of a batch."""
    said = {"event": "Product Viewed", "userId": "u", "properties": {"product_id": "tea-1"}}
    return {"type": "track", **said, "messageId": message_id}


def live_request(number: int) -> dict[str, Any]:
    """About a cart of this moment, as the service has a real clock."""
    return request(f"kill-{number}") | {"trigger": {"id": f"cart-{number}"}}


def test_no_event_that_it_acknowledged_is_lost(answered: Answered) -> None:
    keys = {record.key for part in Log(answered.database, EVENTS).scan() for record in part}
    assert len(answered.events) > 300
    assert set(answered.events) <= keys


def test_every_decision_is_in_the_log_byte_for_byte_as_it_was_answered(answered: Answered) -> None:
    records = Log(answered.database, DECISIONS).read(limit=1_000_000, types=[DECISION])
    kept = {record.key: record for record in records}
    assert len(answered.decisions) > 60
    assert answered.decisions.keys() <= kept.keys()
    for decision_id, content in answered.decisions.items():
        decided = msgspec.json.decode(kept[decision_id].payload, type=Decided)
        assert answer_of(decision_id, decided, (), True).model_dump_json().encode() == content
