"""The history: the event log as Parquet by day and customer bucket, which DuckDB reads in columns.

A projection of the log: it remembers the position it has reached, may be dropped and compacted again, and holds the
same rows whatever the batches were and wherever a run was killed. Readers take rows up to `position(folder)` only, so
they never see half of a run.
"""

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
from msgspec.structs import replace

from features.alone import StillAlone, by_the_lock
from features.folder_lock import alone_in
from features.history_part import Positions, Written, bucket_name, discard, write_part
from features.history_rows import HASH
from features.history_seen import check_seen
from features.history_state import UNLESS_PRUNED, State, forget_state, read_state, write_state
from features.left_out import with_left_out, without_gone
from features.log import Log

FILES = "day=*/bucket=*/part-*.parquet"
POSITIONS_A_PART = 200_000
_UNREADABLE_TOLD = 20

WriteParts = Callable[[Sequence[Positions]], list[Written]]


@dataclass(frozen=True)
class Compaction:
    """What a run added: `rows` to the history, which now reaches the log's `position`.

    `unreadable` events that the log has were left out of it, as their payload is not an event's body: the first of
    them at `unreadable_at`.
    """

    rows: int
    position: int
    unreadable: int = 0
    unreadable_at: tuple[int, ...] = ()


def position(folder: Path) -> int:
    """The log position that the history reaches; 0 when there is none."""
    state = read_state(folder)
    return state.position if state else 0


def position_before(folder: Path, as_of: datetime) -> int:
    """The log position up to which the history holds nothing from `as_of` on.

    Whoever makes a table as of then goes on reading the log from here: what occurred later may stand in the log before.
    """
    found = position(folder)
    first = f"day={as_of.astimezone(UTC).date()}"
    for path in folder.glob(FILES):
        if path.parts[-3] >= first:
            rows = pq.read_table(path, columns=["position"], filters=[("occurred_at", ">=", as_of)], partitioning=None)
            later = rows["position"].to_numpy()
            found = min(found, int(later.min(initial=found + 1)) - 1)
    return found


def buckets(folder: Path) -> int:
    """Into how many buckets of customers the history was laid; 1 when there is none."""
    state = read_state(folder)
    return state.buckets if state else 1


def generation(folder: Path) -> str | None:
    """Which history this is, of all that were compacted in `folder` one after the other; None when there is none."""
    state = read_state(folder)
    return state.generation if state else None


def anew_until(folder: Path) -> int:
    """Which position the history must reach to hold what the log had when this one was begun, or what one had that was
    dropped; 0 when there is none."""
    state = read_state(folder)
    return state.anew_until if state else 0


def parts(folder: Path, as_of: datetime, upto: int, buckets: Collection[int] | None = None) -> list[Path]:
    """The files, of all or of some `buckets`, with what occurred before `as_of` and stands in the log until `upto`."""
    last = f"day={as_of.astimezone(UTC).date()}"
    days = sorted(day for day in folder.glob("day=*") if day.name <= last)
    found = [
        path
        for day in days
        for bucket in (sorted(day.glob("bucket=*")) if buckets is None else [day / bucket_name(one) for one in buckets])
        for path in sorted(bucket.glob("part-*.parquet"))
    ]
    return [path for path in found if int(path.name.split("-")[1]) <= upto]


def compact(
    log: Log,
    folder: Path,
    buckets: int,
    progress: Callable[[int], None] = lambda _: None,
    positions_per_part: int = POSITIONS_A_PART,
    write: WriteParts | None = None,
    at_a_time: int = 1,
    still_alone: StillAlone = by_the_lock,
) -> Compaction:
    """Bring the history in `folder` up to the end of `log`; `progress` hears how many more events were read.

    `write` writes some ranges of positions, `at_a_time` at most, on disk when it returns; in turn here when None. Late
    events land in the partition of the day on which they occurred. Of a price, digits behind the fourth are rounded
    half to even; one that is not finite or has more than 14 digits before the point becomes null, and an event whose
    payload is no event's body is left out and told, as one such event must not stop all that follow. Memory: about 450
    bytes a line of `positions_per_part` events. What a run left that was killed goes first.

    Raises ValueError when the folder was made with another number of buckets or from another log, and RuntimeError
    while another process is compacting it, or where `write` saw another log or another folder; also what `still_alone`
    raises.
    """

    def put(state: State) -> None:
        still_alone()
        write_state(folder, state)

    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder):
        state = read_state(folder)
        end = log.last_position()
        if state is None or state.dropped:
            still_alone()
            _clear(folder)
            if not end:  # nobody need wait for anything
                forget_state(folder)
            state = State(buckets=buckets, generation=uuid4().hex, anew_until=end)
        _check(state, folder, buckets, end)
        still_alone()
        discard(folder, state.position)
        rows = 0
        while state.writing or state.position < end:
            first, last = state.writing or (state.position + 1, state.position + at_a_time * positions_per_part)
            last = min(last, end)
            if last < first:  # what was being written is in the log no more
                state = replace(state, writing=None)
                put(state)
                break
            put(replace(state, writing=(first, last)))
            ranges = [
                (one, min(last, one + positions_per_part - 1)) for one in range(first, last + 1, positions_per_part)
            ]
            if write is None:
                done = [write_part(log, folder, buckets, one, progress, still_alone) for one in ranges]
            else:
                done = write(ranges)
                check_seen(log, folder, ranges, done)
                progress(sum(part.events for part in done))
            rows += sum(part.rows for part in done)
            os.sync()
            state = replace(with_left_out(state, done), position=last, writing=None)
            put(state)
        known, state = state, without_gone(state, log)
        if state.anew_until > state.position:  # the newest events were erased since it was begun
            state = replace(state, anew_until=state.position)
        if state != known:
            put(state)
    return Compaction(rows, state.position, state.unreadable, state.unreadable_at[:_UNREADABLE_TOLD])


def drop(folder: Path, still_alone: StillAlone = by_the_lock) -> None:
    """Forget the history, to compact it again: after an erasure, with other buckets, or to merge many small parts."""
    if folder.exists():
        with only_writer(folder):
            still_alone()
            _forget(folder)
            os.sync()
            still_alone()
            _clear(folder)


def _forget(folder: Path) -> None:
    """Remember no more than how far the history reached: until it does again, readers take it for none or for less."""
    try:
        known = read_state(folder)
    except ValueError:  # what was damaged is made anew as well
        known = State(buckets=1, anew_until=1)
    if known is not None:
        until = max(known.position, known.anew_until)
        write_state(folder, State(known.buckets, known.hash, anew_until=until, dropped=True))


def _check(state: State, folder: Path, buckets: int, end: int) -> None:
    if (state.buckets, state.hash) != (buckets, HASH):
        raise ValueError(
            f"the history in {folder} has {state.buckets} buckets by {state.hash}, asked for {buckets} by {HASH}; "
            f"ask for {state.buckets}, or, {UNLESS_PRUNED}, drop the history and compact it again"
        )
    if state.position > end:
        raise ValueError(
            f"the history in {folder} reaches position {state.position}, but the log ends at {end}: it comes from "
            f"another log, or the log's newest events were erased; {UNLESS_PRUNED}, drop the history and compact it "
            "again"
        )


def _clear(folder: Path) -> None:
    for day in folder.glob("day=*"):
        shutil.rmtree(day)


def only_writer(folder: Path) -> AbstractContextManager[None]:
    """Nobody else writes the history meanwhile. Raises RuntimeError while somebody else does."""
    return alone_in(folder, "compacting")
