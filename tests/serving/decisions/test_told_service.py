"""A real service is told what came of decisions: at once from many sockets, and killed right after it said yes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.database import open_database
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.outcomes import outcomes
from tests.features.decided import decision
from tests.features.person import START
from tests.serving.server import Server, serving
from tests.serving.world import SELDOM, settings_in
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow
_TYPES = ("delivered", "opened", "clicked")


def tell(server: Server, path: str, **body: Any) -> Any:
    response = server.client.post(path, json=body)
    assert response.status_code == 202, response.text
    return response.json()


def test_what_was_accepted_survives_a_kill_and_counts_once(bare_folder: Path) -> None:
    engine = open_database(f"sqlite:///{bare_folder / 'kairos.db'}")
    now = datetime.now(UTC)
    minutes = (now - timedelta(hours=1) - START).total_seconds() / 60
    records = [decision(f"dec_{number}", minutes, user=f"u{number}") for number in range(20)]
    decisions, events = Log(engine, DECISIONS), Log(engine, EVENTS)
    decisions.append(records)
    told: list[tuple[str, str]] = []

    with (
        serving(settings_in(bare_folder, refresh_seconds=SELDOM), bare_folder) as server,
        ThreadPoolExecutor(20) as threads,
    ):
        sent_at = [(now - timedelta(minutes=number)).isoformat() for number in range(20)]
        activate = lambda at: tell(server, "/v1/activations", decision_id="dec_0", sent_at=at)  # noqa: E731
        answers = list(threads.map(activate, sent_at))
        assert sum(answer["new"] for answer in answers) == 1
        assert len({answer["sent_at"] for answer in answers}) == 1

        def report(number: int) -> None:
            for type_ in _TYPES:
                tell(server, "/v1/outcomes", decision_id=f"dec_{number}", type=type_)
                told.append((f"dec_{number}", type_))

        running = [threads.submit(report, number) for number in range(1, 20)]
        running[0].result(PATIENCE)
        server.kill()
        for one in running:
            one.exception(PATIENCE)  # whoever was not answered may have been told nothing

    found = outcomes(events, decisions, Identities(engine), decisions.read(), datetime.now(UTC))
    kept = {(one.decision_id, type_) for one in found for type_ in _TYPES if getattr(one, type_)}
    assert set(told) <= kept
    assert len(told) >= len(_TYPES)
    activated = [one.decision_id for one in found if one.activated_at is not None]
    assert activated == ["dec_0"]
    engine.dispose()
