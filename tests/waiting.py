"""Waiting for something that happens in another thread or process."""

import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds that anything may take on a machine on which many others work; no test measures them."""

BEGINS = 5 * PATIENCE
"""The same for processes that begin beside each other: each loads for ten seconds of a whole core."""


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return as soon as `holds()`; fail when it still does not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)
