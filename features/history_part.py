"""One range of the log's positions in the history: a file a partition, all named after the range, written whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.alone import StillAlone, by_the_lock
from features.database import open_database
from features.history_rows import SCHEMA, rows_of
from features.history_source import columns_of
from features.log import EVENTS, Log
from features.results import written

Positions = tuple[int, int]
"""The first and the last position of a range, inclusive."""

_BATCH = 20_000
_IDS = frozenset({"user_id", "anonymous_id", "product_id", "order_id"})
_RISING = frozenset({"position", "occurred_at", "received_at"})
# A day of a bucket is a small file, which costs what its columns cost to be compressed: differences and dictionaries
# are as small without, and ids are what is left to gain from.
_LAYOUT: dict[str, Any] = {
    "coerce_timestamps": "us",
    "compression": {name: "zstd" if name in _IDS else "none" for name in SCHEMA.names},
    "column_encoding": dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
    "use_dictionary": [name for name in SCHEMA.names if name not in _RISING],
    "write_page_checksum": True,  # of what is not compressed any bits could be read
}
_ANY = "day=*/bucket=*/*part-*"


@dataclass(frozen=True)
class Written:
    """How many `events` a range has, and `rows`, one a line of an event; `files` are paths below the history.

    Of the events those at the positions `unreadable` have no row.
    """

    events: int
    rows: int
    files: tuple[str, ...] = ()
    unreadable: tuple[int, ...] = ()


def write_part(
    log: Log,
    folder: Path,
    buckets: int,
    positions: Positions,
    progress: Callable[[int], None] = lambda _: None,
    still_alone: StillAlone = by_the_lock,
) -> Written:
    """Write one range of positions; `progress` hears how many more events were read.

    `still_alone` raises before a file appears where another process may be writing the history by now.
    """
    first, last = positions
    tables = [SCHEMA.empty_table()]
    partitions = [np.empty(0, np.int64)]
    unreadable: list[int] = []
    events = 0
    for columns in columns_of(log, first, last, _BATCH):
        found = rows_of(columns, buckets)
        tables.append(found.table)
        partitions.append(found.partition)
        unreadable += found.unreadable
        events += len(columns.position)
        progress(len(columns.position))
    partition = np.concatenate(partitions)
    order = np.argsort(partition, kind="stable")
    table = pa.concat_tables(tables).take(pa.array(order))
    keys, starts, counts = np.unique(partition[order], return_index=True, return_counts=True)
    files = []
    for key, start, count in zip(keys.tolist(), starts, counts, strict=True):
        day, bucket = divmod(key, buckets)
        path = folder / f"day={np.datetime64(day, 'D')}" / bucket_name(bucket) / _name(positions)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = table.slice(start, count)
        still_alone()
        written(path, partial(write_rows, rows))
        files.append(str(path.relative_to(folder)))
    return Written(events, len(table), tuple(files), tuple(unreadable))


def write_rows(rows: pa.Table, path: Path) -> None:
    """Write one file of the history: that of a compaction, or what an erasure leaves of it."""
    pq.write_table(rows, path, **_LAYOUT)


def write_part_from(database_url: str, folder: Path, buckets: int, positions: Positions) -> Written:
    """The same for a process of its own, and on its disk when this returns."""
    database = open_database(database_url)
    try:
        found = write_part(Log(database, EVENTS), folder, buckets, positions)
    finally:
        database.dispose()
    os.sync()
    return found


def discard(folder: Path, behind: int) -> None:
    """Remove what was written, or was being written, of ranges that end behind a position.

    They are of a run that was killed: a record erased since then may have been the only one of its partition. Or of
    one that ended well, and whose position was put back by who slept through the lease just then.
    """
    for path in folder.glob(_ANY):
        last = path.name.partition("part-")[2].split("-")[1]
        if int(last.partition(".")[0]) > behind:
            path.unlink()


def bucket_name(number: int) -> str:
    """The folder of a bucket."""
    return f"bucket={number:02d}"


def _name(positions: Positions) -> str:
    return f"part-{positions[0]:012d}-{positions[1]:012d}.parquet"
