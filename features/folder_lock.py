"""One process at a time works in a folder of one machine; the lock goes with the process, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone_in(folder: Path, work: str) -> Iterator[None]:
    """Nobody else does `work` in `folder` meanwhile. Raises RuntimeError while another process does."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"another process is {work} {folder}; wait for it to end") from error
        yield
