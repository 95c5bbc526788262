"""Ports for servers of tests, which nobody else is given between the look for one and the start of its server."""

import fcntl
import os
import socket
from functools import cache
from pathlib import Path
from secrets import randbelow
from tempfile import gettempdir

_FIRST, _COUNT = 20_000, 12_000
"""Above those of Ray's workers, and below those that the kernel gives to whoever asks for any."""

_GIVEN: set[int] = set()


def free_port() -> int:
    """One that no process of tests was given that still runs: a server takes seconds until it listens at its own.

    By a chance that no test seeds, as those who look one after the other would find the same that is held by nobody.
    """
    while True:
        port = _FIRST + randbelow(_COUNT)
        if port in _GIVEN or not _ours(port):
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _GIVEN.add(port)
        return port


@cache
def _held() -> int:
    """The file whose byte of a number stands for that port; open as long as the process, or it would give them up."""
    return os.open(Path(gettempdir(), f"kairos-test-ports-{os.getuid()}"), os.O_RDWR | os.O_CREAT, 0o600)


def _ours(port: int) -> bool:
    """Whether this process holds the lock of a port, until it ends."""
    try:
        fcntl.lockf(_held(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True
