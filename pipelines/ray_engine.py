"""Buckets as tasks of Ray: the same functions on every node, each bucket tried again when its node is lost.

The nodes need the libraries of this project and the folders that the settings name, at the same paths; the code of the
project itself travels with the job, so all nodes run what the caller runs.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from pipelines.console import Tick
from pipelines.engine import RAY, B, BucketsFailed, T

_PACKAGES = ("features", "models", "pipelines", "serving", "training")
_PATIENCE_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
"""For a process that loads Ray and asks the head: about one of CPU, on a machine that others work on."""
_TRIES = 5
_STARTS = 5
_START_SECONDS = "120"
_OBJECTS_BYTES = 256 * 1024**2
"""Of Ray's store on a machine that runs alone: functions and their arguments, as results are files."""


class Ray:
    """Tasks of one core each. `function` is shipped once; a task is tried again when its worker or node dies."""

    cores: int | None = 1

    def map(self, function: Callable[[B], T], buckets: Sequence[B], progress: Tick | None = None) -> list[T]:
        """See `Engine.map`."""
        if not buckets:
            return []
        task: Any = ray.remote(num_cpus=1, max_retries=_TRIES)(_call)
        shipped = ray.put(function)
        running = [task.remote(shipped, bucket) for bucket in buckets]
        order = {reference: place for place, reference in enumerate(running)}
        results: dict[int, T] = {}
        errors: dict[int, BaseException] = {}
        while running:
            ended, running = ray.wait(running, num_returns=1)
            for reference in ended:
                try:
                    results[order[reference]] = ray.get(reference)
                except RayTaskError as error:
                    errors[order[reference]] = error.cause if isinstance(error.cause, Exception) else error
                except RayError as error:
                    errors[order[reference]] = error
            if progress is not None:
                progress(len(results) + len(errors), len(buckets))
        if errors:
            failed: dict[Hashable, BaseException] = {buckets[place]: errors[place] for place in sorted(errors)}
            raise BucketsFailed(failed, len(buckets)) from errors[min(errors)]
        return [results[place] for place in range(len(buckets))]


@contextmanager
def connected(address: str) -> Iterator[Ray]:
    """Ray at `host:port` of a cluster's head, or on this machine alone for `ray`; left when the block ends.

    Raises ConnectionError where nothing listens, or what listens does not answer as Ray within half a minute, and
    RuntimeError where this process has Ray already, or where Ray does not start here, which on a busy machine is tried
    for minutes.
    """
    if ray.is_initialized():
        raise RuntimeError("this process is connected to Ray already; an engine is opened once at a time")
    alone = address == RAY
    if not alone:
        _reachable(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or Ray sends figures about its use to its makers
    _begin(address, alone)
    try:
        yield Ray()
    finally:
        ray.shutdown()


def _begin(address: str, alone: bool) -> None:
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": {"py_modules": _packages(), "env_vars": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}},
    }
    if not alone:
        ray.init(address=address, **settings)
        return
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", _START_SECONDS)
    patience = {"agent_register_timeout_ms": 1_000 * int(_START_SECONDS)}
    for left in reversed(range(_STARTS)):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                num_gpus=0,
                object_store_memory=_OBJECTS_BYTES,
                _system_config=patience,
                **settings,
            )
        except Exception as error:  # Ray says no more; on a busy machine it gives up on its own processes after 30 s
            ray.shutdown()
            if isinstance(error, OSError) and error.filename:  # it stays as it is, however often one tries
                raise OSError(
                    f"Ray cannot write {error.filename} ({error.strerror}): set HOME to a folder that takes files, or "
                    "KAIROS_ENGINE=local"
                ) from error
            if not left:
                raise RuntimeError(
                    f"Ray did not start on this machine, {_STARTS} times ({error}); run it again when less else runs, "
                    "or set KAIROS_ENGINE=local"
                ) from error
        else:
            return


def _packages() -> list[str]:
    root = Path(__file__).resolve().parents[1]
    return [str(root / name) for name in _PACKAGES]


def _reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _PATIENCE_SECONDS):
            pass
        _answers(address)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Ray cluster answers at KAIROS_ENGINE={address} ({error}); start it, name the port of its head "
            "(6379 as a rule), or set KAIROS_ENGINE=local"
        ) from error


def _answers(address: str) -> None:
    """Ask the head in a process that can be ended: `ray.init` waits without end for what is no head of Ray."""
    line = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    try:
        asked = subprocess.run(line, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(
            f"what listens there did not answer as the head of a Ray cluster within {_ANSWER_SECONDS:.0f} s"
        ) from error
    if asked.returncode:
        said = asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"]
        raise ConnectionError(f"`ray status` says {said[-1]}")


def _call(function: Callable[[B], T], bucket: B) -> T:
    return function(bucket)
