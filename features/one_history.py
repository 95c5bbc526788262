"""What is read of the history in a while is of one history: who compacts it anew meanwhile is noticed.

A reader lists files when it begins with a shard. Of a history that is dropped and compacted again meanwhile it would
find some, all of which can be read, and have silently missed the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.history import generation


@contextmanager
def one_history(history: Path, known: str | None) -> Iterator[None]:
    """Read in this block what lies in `history`, whose `generation` was `known` before anything was asked of it.

    Raises RuntimeError at the end, or in the place of an error, when it is another one by then.
    """
    try:
        yield
    except Exception as error:
        if generation(history) != known:
            raise RuntimeError(_TOLD.format(history)) from error
        raise
    if generation(history) != known:
        raise RuntimeError(_TOLD.format(history))


_TOLD = "the history in {} was made anew while it was read; run this again when it is compacted"
