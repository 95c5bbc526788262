"""Kairos as it is served, with one thread more: each half second it writes what each thread of the worker has spent.

`bentoml serve benchmarks.clocked_service:Kairos`, with the folder to write into in `KAIROS_CLOCKS`: a file a process,
as the one that keeps the workers loads the service too. Python's threads have no names for the system, so only the
process itself can tell which is which.
"""

import json
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from serving.service import Kairos

__all__ = ["Kairos"]
CLOCKS = "KAIROS_CLOCKS"
_SECONDS = 0.5


def spent() -> Mapping[str, float]:
    """CPU seconds of each kind of thread so far; those of one pool are one kind."""
    found: defaultdict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        clock = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if clock.exists():  # else it ended just now
            found[re.sub(r"_\d+$", "", thread.name)] += int(clock.read_text().split()[0]) / 1e9
    return found


def _write(folder: Path) -> None:
    path = folder / f"{os.getpid()}.json"
    while True:
        time.sleep(_SECONDS)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(spent()))
        fresh.replace(path)


if CLOCKS in os.environ:
    threading.Thread(target=_write, args=[Path(os.environ[CLOCKS])], name="clocks", daemon=True).start()
