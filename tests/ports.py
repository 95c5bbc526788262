"""Ports for servers of tests, which nobody else is given between the look for one and the start of its server."""

import socket
from secrets import randbelow

_FIRST, _COUNT = 20_000, 12_000
"""Above those of Ray's workers, and below those that the kernel gives to whoever asks for any."""


def free_port() -> int:
    """By a chance that no test seeds, as two who look at the same time must not find the same."""
    while True:
        port = _FIRST + randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
