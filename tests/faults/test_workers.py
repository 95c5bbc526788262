"""Two workers are one service: what one was told the other knows, and killing or ending them loses nothing."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from benchmarks.fault_traffic import RECOMMEND, TRACK, Seen, Traffic
from features.log import DECISIONS, EVENTS
from tests.faults.logs import keys
from tests.serving.server import Server, serving
from tests.serving.world import BEANS, MILK, SELDOM, copy_world, publish, settings_in
from tests.waiting import BEGINS, PATIENCE, until

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
def begin(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """The service of this module: begun by who asks first, and by who asks after somebody ended it."""
    folder = copy_world(world, tmp_path_factory.mktemp("workers") / "shop")
    overrides = json.dumps({"services": {"kairos": {"workers": 2}}})
    with ExitStack() as stack:
        known: list[Server] = []

        def begun() -> Server:
            if not known or not known[-1].process.is_running():
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("BENTOML_CONFIG_OVERRIDES", overrides)
                    found = stack.enter_context(serving(settings_in(folder, refresh_seconds=SELDOM), folder))
                until(lambda: len(workers(found)) == 2, "there are two workers", BEGINS)
                until(lambda: all(ready(found) for _ in range(20)), "both are ready", BEGINS)
                known.append(found)
            return known[-1]

        yield begun


@pytest.fixture
def server(begin: Callable[[], Server]) -> Server:
    """A service of two workers, both of them ready, in whatever order these tests run."""
    return begin()


def ready(server: Server) -> bool:
    with suppress(httpx.TransportError):
        return anew(server, "GET", "/readyz").status_code == 200
    return False


def anew(server: Server, method: str, path: str, **told: Any) -> httpx.Response:
    """Over a connection of its own, which either worker may take."""
    return httpx.request(method, f"{server.url}{path}", headers=server.headers, timeout=PATIENCE, **told)


@contextmanager
def traffic(server: Server) -> Iterator[Traffic]:
    """Callers on their way, of whom some are answered already."""
    callers = Traffic(server.url, server.headers, [f"u{number}" for number in range(9)], 400.0, CALLERS)
    callers.start()
    try:
        until(lambda: len(callers.seen.recommendations) > 20, "some are answered")
        yield callers
    finally:
        callers.stop()


def kept(server: Server, seen: Seen) -> None:
    """Nobody got an error of ours, and whatever was acknowledged is in the logs once.

    Of a file that was locked for ten seconds it is in a journal first, from where whoever serves takes it.
    """
    assert not seen.failed(TRACK)
    assert not seen.failed(RECOMMEND)
    assert seen.events
    shown = seen.recommendations | seen.decisions
    until(lambda: seen.events <= set(keys(server.folder, EVENTS)), "every event is in the log")
    until(lambda: shown <= set(keys(server.folder, DECISIONS)), "every decision is in the log")
    events, decisions = keys(server.folder, EVENTS), keys(server.folder, DECISIONS)
    assert (len(events), len(decisions)) == (len(set(events)), len(set(decisions)))


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
    with traffic(server) as callers:
        doomed = workers(server)[0]
        doomed.kill()
        count = len(callers.seen.recommendations)
        until(lambda: len(callers.seen.recommendations) > count + 20, "the other one goes on")
        both = lambda: len(workers(server)) == 2 and doomed not in workers(server)  # noqa: E731
        until(both, "the supervisor starts another", BEGINS)
    kept(server, callers.seen)


def test_a_promotion_reaches_every_worker(server: Server) -> None:
    number = publish(server.folder, half_life=7.0).number

    def followed() -> bool:
        found = [anew(server, "GET", "/v1/version").json()["model"]["version"] for _ in range(20)]
        return set(found) == {number}

    until(followed, "both workers answer with the new version", BEGINS)


def test_workers_of_a_new_installation_begin_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow makes its tables without a look at others: what two of them made at once, none could open again."""
    monkeypatch.setenv("BENTOML_CONFIG_OVERRIDES", json.dumps({"services": {"kairos": {"workers": 3}}}))
    with serving(settings_in(tmp_path, run_folder=tmp_path / "run"), tmp_path) as found:
        until(lambda: "kairos_workers 3" in anew(found, "GET", "/metrics").text, "all three have begun", BEGINS)
        assert "cannot start" not in found.log.read_text()


def test_a_service_that_is_ended_answers_what_is_under_way_and_refuses_the_rest(server: Server) -> None:
    with traffic(server) as callers:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
    kept(server, callers.seen)
