"""The real service, killed while it decides: whatever was answered is in the log, byte for byte what was answered."""

import itertools
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from features.database import open_database
from features.decisions import DECISION, Decided
from features.log import DECISIONS, Log
from serving.decisions.answers import answer_of
from tests.serving.decisions.world import request
from tests.serving.server import kill_while_asked

pytestmark = pytest.mark.slow


def test_killed_while_it_decides_every_answered_decision_is_in_the_log(bare_folder: Path) -> None:
    answers: dict[str, Any] = {}
    numbers = itertools.count()

    def ask(client: httpx.Client) -> None:
        response = client.post("/v1/decisions", json=live_request(next(numbers)))
        if response.status_code == 200:
            answers[response.json()["decision_id"]] = response.content

    kill_while_asked(bare_folder, ask, lambda: len(answers) > 60)
    database = open_database(f"sqlite:///{bare_folder / 'kairos.db'}")
    kept = {record.key: record for record in Log(database, DECISIONS).read(limit=1_000_000, types=[DECISION])}
    database.dispose()
    assert len(answers) > 60
    assert answers.keys() <= kept.keys()
    for decision_id, content in answers.items():
        decided = msgspec.json.decode(kept[decision_id].payload, type=Decided)
        assert answer_of(decision_id, decided, (), True).model_dump_json().encode() == content


def live_request(number: int) -> dict[str, Any]:
    """About a cart of this moment, as the service has a real clock."""
    return request(f"kill-{number}") | {"trigger": {"id": f"cart-{number}"}}
