"""What tasks say they wrote of the history, held against the log and the folder that the caller of them sees.

A task elsewhere may stand before another database, or write into a folder of its own machine, and know nothing of it.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from features.history_part import Positions, Written
from features.log import Log

PATIENCE_SECONDS = 60.0
"""So late may a network file system show what another machine wrote."""

_LOOK_SECONDS = 0.5


def check_seen(log: Log, folder: Path, ranges: Sequence[Positions], done: Sequence[Written]) -> None:
    """Every event that `log` has in `ranges` was read, and every file that was written is in `folder`.

    Somebody may be erased meanwhile, so a task may have read more than there is by now. Raises RuntimeError, with the
    first that is missing.
    """
    for (first, last), part in zip(ranges, done, strict=True):
        if part.events < (there := log.count(first, last)):
            raise RuntimeError(
                f"the task for positions {first} to {last} read {part.events:,} events of the log, which has {there:,} "
                "there: it stands before another database; KAIROS_DATABASE_URL must mean the same one on every node. "
                "Nothing of it counts: mend this and compact again"
            )
    deadline = time.monotonic() + PATIENCE_SECONDS
    for part in done:
        for name in part.files:
            while not (folder / name).exists():
                if time.monotonic() >= deadline:
                    raise RuntimeError(
                        f"a task wrote {name}, which is not in {folder} here: KAIROS_HISTORY must be one folder on a "
                        "file system that all nodes share. Nothing of it counts: mend this and compact again"
                    )
                time.sleep(_LOOK_SECONDS)
