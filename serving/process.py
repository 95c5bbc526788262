"""What a worker takes of the machine: memory, file descriptors and threads; added up over all workers."""

from collections.abc import Iterable
from functools import cache

import psutil  # type: ignore[import-untyped]

from serving.measures import Gauge, Labels


@cache
def _process() -> psutil.Process:
    return psutil.Process()


def _memory() -> Iterable[tuple[Labels, float]]:
    return [((), _process().memory_info().rss)]


def _descriptors() -> Iterable[tuple[Labels, float]]:
    return [((), _process().num_fds())]


def _threads() -> Iterable[tuple[Labels, float]]:
    return [((), _process().num_threads())]


PROCESS = (
    Gauge("kairos_process_resident_memory_bytes", "Memory of the workers", _memory),
    Gauge("kairos_process_open_fds", "Files and sockets that the workers hold open", _descriptors),
    Gauge("kairos_process_threads", "Threads of the workers", _threads),
)
