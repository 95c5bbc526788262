"""A real `bentoml serve` over the folder of a shop, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]

from serving.settings import Settings
from tests.ports import free_port
from tests.serving.world import SELDOM, bearing, make_key, settings_in
from tests.waiting import BEGINS, PATIENCE, until

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A running service; `client` talks to it with `headers`, which hold a key that may do everything.

    Each request has a connection of its own: a worker that slept for five seconds closes one that is kept before it
    reads what came on it meanwhile.
    """

    url: str
    folder: Path
    process: psutil.Process
    log: Path
    client: httpx.Client
    headers: dict[str, str]

    def recommend(self, **request: Any) -> Any:
        response = self.client.post("/v1/recommendations", json=request)
        assert response.status_code == 200, response.text
        return response.json()

    def kill(self) -> None:
        """What the kernel does when the machine runs out of memory: nobody gets to clean up."""
        workers = self.process.children(recursive=True)
        for process in (self.process, *workers):
            with suppress(psutil.NoSuchProcess):  # it may end of itself as the one before it is gone
                process.kill()
        psutil.wait_procs([self.process, *workers])


def environment(settings: Settings, home: Path) -> dict[str, str]:
    """The environment of a service with these settings, which keeps its own files in `home`."""
    ours = {f"KAIROS_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    quiet = {
        "BENTOML_DO_NOT_TRACK": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "PYTHONWARNINGS": "ignore",
    }
    return {**os.environ, **ours, **quiet, "BENTOML_HOME": str(home), "OMP_NUM_THREADS": "1"}


def bentoml(*arguments: str) -> list[str]:
    """The command line of BentoML in this environment."""
    return [sys.executable, "-W", "ignore", "-m", "bentoml", *arguments]


@contextmanager
def serving(settings: Settings, folder: Path, what: str = "tests.serving.patient:Kairos") -> Iterator[Server]:
    """Start the service `what`, wait until it lives, and end it as its supervisor would."""
    port = free_port()
    home, log = folder / "bentoml", folder / "service.log"
    home.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    headers = bearing(make_key(folder, database_url=settings.database_url))
    command = bentoml("serve", what, "--host", "127.0.0.1", "--port", str(port))
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment(settings, home), stdout=output, stderr=output) as process,
        httpx.Client(
            base_url=url, timeout=PATIENCE, headers=headers, limits=httpx.Limits(max_keepalive_connections=0)
        ) as client,
    ):
        server = Server(url, folder, psutil.Process(process.pid), log, client, headers)
        try:
            until(lambda: process.poll() is not None or _lives(client), f"{what} lives; see {log}", BEGINS)
            assert process.poll() is None, log.read_text()
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE)


def kill_while_asked(folder: Path, ask: Callable[[httpx.Client], object], enough: Callable[[], bool]) -> None:
    """Eight clients `ask` a service over `folder` again and again, until it is killed as they have had `enough`."""

    def ask_on(server: Server) -> None:
        with (
            httpx.Client(base_url=server.url, timeout=PATIENCE, headers=server.headers) as client,
            suppress(httpx.TransportError),
        ):
            while True:
                ask(client)

    with ThreadPoolExecutor(8) as clients, serving(settings_in(folder, refresh_seconds=SELDOM), folder) as doomed:
        for _ in range(8):
            clients.submit(ask_on, doomed)
        until(enough, "enough is answered")
        doomed.kill()


def _lives(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False
