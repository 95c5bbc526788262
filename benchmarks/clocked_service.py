"""Kairos as it is served, with one thread more: each half second it writes what each thread of the worker has spent.

`bentoml serve benchmarks.clocked_service:Kairos`, with the file to write in `KAIROS_CLOCKS`. Python's threads have no
names for the system, so only the process itself can tell which is which.
"""

import json
import os
import re
import threading
import time
from collections import Counter
from pathlib import Path

from serving.service import Kairos

__all__ = ["Kairos"]
CLOCKS = "KAIROS_CLOCKS"
_SECONDS = 0.5


def spent() -> Counter[str]:
    """CPU seconds of each kind of thread so far; those of one pool are one kind."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        clock = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if clock.exists():  # else it ended just now
            found[re.sub(r"_\d+$", "", thread.name)] += int(clock.read_text().split()[0]) / 1e9
    return found


def _write(path: Path) -> None:
    while True:
        time.sleep(_SECONDS)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(spent()))
        fresh.replace(path)


if CLOCKS in os.environ:
    threading.Thread(target=_write, args=[Path(os.environ[CLOCKS])], name="clocks", daemon=True).start()
