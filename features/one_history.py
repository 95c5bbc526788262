"""What is read of the history in a while is of one history: who compacts it anew meanwhile is noticed.

A reader lists files when it begins with a shard. Of a history that is dropped and compacted again meanwhile it would
find some, all of which can be read, and have silently missed the others. Who begins between two ranges of such a
compaction would find but the beginning, and before the first one nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.history import anew_until, generation


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


def check_whole(history: Path, reached: int) -> None:
    """Raises RuntimeError when `history`, whose position was `reached`, had but the beginning of the log by then.

    Nothing of it, when it was dropped and nothing was written yet: that is no shop without a history.
    """
    wanted = anew_until(history)
    if reached < wanted:
        has = f"reached position {reached} of {wanted}" if reached else "has nothing yet"
        raise RuntimeError(
            f"the history in {history} is being made and {has}; run this again when `python -m pipelines compact` has "
            "come to its end"
        )


_TOLD = "the history in {} was made anew while it was read; run this again when it is compacted"
