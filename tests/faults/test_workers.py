"""Two workers are one service: what one was told the other knows, and killing or ending them loses nothing."""

import itertools
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log
from tests.serving.server import Server, serving
from tests.serving.world import BEANS, MILK, copy_world, publish, settings_in
from tests.waiting import until

pytestmark = pytest.mark.slow
CALLERS = 6


def workers(server: Server) -> list[psutil.Process]:
    found = []
    for one in server.process.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("worker.service" in part for part in one.cmdline()):
                found.append(one)
    return found


@pytest.fixture(scope="module")
def server(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of two workers, both of them ready; the last test of this module ends it."""
    folder = copy_world(world, tmp_path_factory.mktemp("workers") / "shop")
    overrides = json.dumps({"services": {"kairos": {"workers": 2}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENTOML_CONFIG_OVERRIDES", overrides)
        with serving(settings_in(folder), folder) as found:
            until(lambda: len(workers(found)) == 2, "there are two workers")
            until(lambda: all(ready(found) for _ in range(20)), "both are ready", 120)
            yield found


def ready(server: Server) -> bool:
    with suppress(httpx.TransportError):
        return anew(server, "GET", "/readyz").status_code == 200
    return False


def anew(server: Server, method: str, path: str, **told: Any) -> httpx.Response:
    """Over a connection of its own, which either worker may take."""
    return httpx.request(method, f"{server.url}{path}", headers=server.headers, timeout=30, **told)


def keys(folder: Path, table: Any) -> list[str]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    found = [record.key for part in Log(engine, table).scan() for record in part]
    engine.dispose()
    return found


class Callers:
    """Visitors and an event stream who remember what they were promised."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.events: list[str] = []
        self.shown: list[str] = []
        self.statuses: list[int] = []
        self._numbers = itertools.count()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def _call(self) -> None:
        while not self._end.is_set():
            with suppress(httpx.TransportError), httpx.Client(headers=self.server.headers, timeout=30) as client:
                while not self._end.is_set():
                    self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        number = next(self._numbers)
        event = {"event": "Product Viewed", "userId": f"u{number % 9}", "messageId": f"load-{number}"}
        told = client.post(f"{self.server.url}/v1/track", json={**event, "properties": {"product_id": "tea-1"}})
        self.statuses.append(told.status_code)
        if told.status_code == 200:
            self.events.append(f"load-{number}")
        shown = client.post(f"{self.server.url}/v1/recommendations", json={"subject": {"user_id": f"u{number % 9}"}})
        self.statuses.append(shown.status_code)
        if shown.status_code == 200:
            self.shown.append(shown.json()["recommendation_id"])


def test_what_one_worker_hears_the_other_knows_in_its_very_next_answer(server: Server) -> None:
    for number in range(12):
        device, user = f"device-{number}", f"user-{number}"
        seen = {"event": "Product Viewed", "anonymousId": device, "properties": {"product_id": "coffee-1"}}
        assert anew(server, "POST", "/v1/track", json=seen).status_code == 200
        login = {"userId": user, "anonymousId": device, "traits": {}}
        assert anew(server, "POST", "/v1/identify", json=login).status_code == 200
        asked = {"subject": {"user_id": user}, "limit": 5}
        answer = anew(server, "POST", "/v1/recommendations", json=asked).json()
        assert answer["fallback"] is None, number
        assert {item["item_id"] for item in answer["items"]} <= {*BEANS, MILK}


def test_a_killed_worker_is_started_anew_and_takes_nothing_with_it(server: Server) -> None:
    callers = Callers(server)
    until(lambda: len(callers.shown) > 20, "some are answered")
    doomed = workers(server)[0]
    doomed.kill()
    count = len(callers.shown)
    until(lambda: len(callers.shown) > count + 20, "the other one goes on")
    until(lambda: len(workers(server)) == 2 and doomed not in workers(server), "the supervisor starts another", 120)
    callers.stop()
    assert not [status for status in callers.statuses if status >= 500]
    assert set(callers.events) <= set(keys(server.folder, EVENTS))
    assert set(callers.shown) <= set(keys(server.folder, DECISIONS))


def test_a_promotion_reaches_every_worker(server: Server) -> None:
    number = publish(server.folder, half_life=7.0).number

    def followed() -> bool:
        found = [anew(server, "GET", "/v1/version").json()["model"]["version"] for _ in range(20)]
        return set(found) == {number}

    until(followed, "both workers answer with the new version", 120)


def test_a_service_that_is_ended_answers_what_is_under_way_and_refuses_the_rest(server: Server) -> None:
    callers = Callers(server)
    until(lambda: len(callers.shown) > 20, "some are answered")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    callers.stop()
    assert not [status for status in callers.statuses if status >= 500]
    events = keys(server.folder, EVENTS)
    assert set(callers.events) <= set(events)
    assert len(events) == len(set(events))
    assert set(callers.shown) <= set(keys(server.folder, DECISIONS))
