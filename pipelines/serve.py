"""Running the service: in the foreground for a person, or beside us and bounded in time for the demo."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import httpx

from pipelines.settings import Settings
from serving.placement_file import PlacementFile

ROOT = Path(__file__).parents[1]


def environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the service: where stores are, how many workers, one BLAS thread, nothing that phones home.

    It runs where the verb was called, so that both mean the same by a relative path and read the same `.env`; its code
    it finds here.

    BentoML starts the workers anew when they die, but not where `BENTOML_CONTAINERIZED` is set: there whoever runs the
    containers does, and one worker each is right.
    """
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    own = {f"KAIROS_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    private = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet = {"PYTHONWARNINGS": "ignore", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    # MLflow's own 120 s and seven retries are for uploads; who follows the registry looks again by himself
    hasty = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    workers = {"BENTOML_CONFIG_OVERRIDES": json.dumps({"services": {"kairos": {"workers": settings.workers}}})}
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    shared = {"KAIROS_RUN_FOLDER": "var/run"} if settings.workers > 1 else {}
    code = {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH"))))}
    return {**shared, **inherited, **own, **private, **quiet, **hasty, **workers, **single, **code}


def command(host: str, port: int) -> list[str]:
    """The command line that serves."""
    where = ["--host", host, "--port", str(port)]
    return [sys.executable, "-m", "bentoml", "serve", "serving.service:Kairos", *where]


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def serve(settings: Settings) -> NoReturn:
    """Become the service; ends when it ends.

    Raises OSError when somebody listens on the port already, and what is wrong with the file of placements: here once,
    and not again and again by workers that cannot begin.
    """
    PlacementFile(settings.placements).read()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise OSError(f"port {settings.port} of {settings.host} is taken; --port 0 takes a free one") from error
    line = command(settings.host, settings.port)
    os.execve(line[0], line, environment(settings, os.environ))


@contextmanager
def running(
    settings: Settings, log: Path, patience: float = 300.0, own: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """A service beside us on a free port, ready to answer; yields its address and ends it by its process id.

    `own` are variables of its environment alone.

    Raises RuntimeError with the end of its log when it is not ready within `patience` seconds.
    """
    port = free_port(settings.host)
    url = f"http://{settings.host}:{port}"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(settings.host, port),
            env=environment(settings, {**os.environ, **own}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(url, process, log, patience)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.25)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"the service was not ready within {patience:.0f} s; the end of {log}:\n{tail}")
