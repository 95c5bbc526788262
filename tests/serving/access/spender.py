"""A worker that takes whatever it gets: `python -m tests.serving.access.spender DATABASE RATE BURST SECONDS`."""

import json
import sys
import time
from datetime import UTC, datetime

from features.database import open_database
from serving.access.buckets import Buckets, Limit
from serving.access.shared_limits import SharedLimits

EVERY = 0.1
"""Seconds between two exchanges."""


def spend(database: str, rate: float, burst: float, seconds: float) -> dict[str, float]:
    """How many were let through, from when until when, and the longest time from an exchange to the end of the next."""
    buckets = Buckets(Limit("key", rate, burst), time.monotonic)
    shared = SharedLimits(open_database(database), b"a secret", [buckets], lambda: datetime.now(UTC))
    sys.stdin.readline()
    began = exchanged = now = time.monotonic()
    passed, longest = 0, 0.0
    while now < began + seconds:
        passed += buckets.take("one").allowed
        if now > exchanged + EVERY:
            begins = time.monotonic()
            shared.exchange()
            longest, exchanged = max(longest, time.monotonic() - exchanged), begins
        time.sleep(0.001)
        now = time.monotonic()
    return {"passed": passed, "began": began, "ended": now, "longest": max(longest, now - exchanged)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(spend(sys.argv[1], *map(float, sys.argv[2:]))))
