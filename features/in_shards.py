"""All persons of the history, shard by shard, for who puts together in this process what is small of each of them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from features.compute import Visible, check_offsets
from features.history import buckets, generation, position
from features.shards import Shards, prepare, size


def in_shards(
    history: Path,
    identities: pa.Table,
    as_of: datetime,
    known_at: datetime | None = None,
    work: Path | None = None,
    count: int | None = None,
) -> Iterator[Visible]:
    """What may be known as of a moment, one shard after the other: see `compute.visible` for what is seen and refused.

    Every person is in one shard alone. There are as many as the size of the history asks for, unless `count` says
    otherwise. What the shards tell each other lies in a folder below `work`, or where the system keeps what is
    temporary, until the last was asked.

    Raises RuntimeError when the history is being made, or made anew meanwhile, or an erasure drops that folder, as it
    has whole histories.
    """
    check_offsets(as_of=as_of, known_at=known_at)
    known = generation(history)
    reached, laid = position(history), buckets(history)
    number = count or size(history, as_of, reached, laid)
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="shards-", dir=work) as folder:
        shards = Shards(history, as_of, known_at, reached, laid, number, known, Path(folder))
        try:
            prepare(shards, identities)
            for shard in range(number):
                with shards.visible(shard) as seen:
                    yield seen
        except (OSError, duckdb.IOException) as error:
            if Path(folder).exists():
                raise
            raise RuntimeError("somebody was erased while the history was read; run this again") from error
