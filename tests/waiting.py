"""Waiting for something that happens in another thread or process."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Return as soon as `holds()`; fail when it still does not after `seconds`, which no test measures."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)
