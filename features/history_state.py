"""What the history remembers of itself: a small file beside the partitions, replaced as a whole."""

import os
from pathlib import Path

import msgspec

from features.history_rows import HASH
from features.results import naming

FILE = "state.json"
UNLESS_PRUNED = "unless a retention of events shortened the log"
"""When it is no way out to make the history anew: it has more than the log by then."""


class State(msgspec.Struct, frozen=True):
    """`writing` is the range of positions under way: after a crash it is written again, under the same file names.

    `generation` is drawn when the first row is written: a history that was dropped and compacted again has another.
    `anew_until` is where the log ended then: below it the history is not whole. `unreadable` counts what was left out,
    the first of it at `unreadable_at`. Of one that was `dropped` nothing is left but how far it is to reach again.
    """

    buckets: int
    hash: str = HASH
    position: int = 0
    writing: tuple[int, int] | None = None
    generation: str = ""
    anew_until: int = 0
    unreadable: int = 0
    unreadable_at: tuple[int, ...] = ()
    dropped: bool = False


def read_state(folder: Path) -> State | None:
    """The state of the history in `folder`; None when there is none. Raises ValueError for one that cannot be read."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else None
    except msgspec.MsgspecError as error:
        raise ValueError(
            f"{path} cannot be read ({error}); restore that file, or, {UNLESS_PRUNED}, make the history anew from the "
            "log with `python -m pipelines compact --rebuild`"
        ) from error


def write_state(folder: Path, state: State) -> None:
    """Put `state` in the place of the one before, on disk when this returns. Errors name the file."""
    temporary = folder / f"{FILE}.tmp"
    with naming(temporary), temporary.open("wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / FILE)


def forget_state(folder: Path) -> None:
    """There is no history in `folder`."""
    (folder / FILE).unlink(missing_ok=True)
