"""The rows of a Parquet file in the order of a column, out of row groups of which each is in that order by itself.

A table of features is one row group a shard. A B-tree that is filled in its own order is appended to, while rows that
come shard by shard dirty all of its pages once a shard.

What is in memory does not grow with the row groups but for what a reader of one holds, some 12 MB of a file that is
`streamed`.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_READ_AT_ONCE = 1 << 16
_BATCHES_HELD = 4
"""Of how many batches the rows are in memory, however many row groups there are."""


def streamed(path: Path) -> pq.ParquetFile:
    """A file to be read row by row; by default all bytes of the row groups that are asked for are fetched at once."""
    return pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_AT_ONCE)


def in_order(file: pq.ParquetFile, by: str, rows_a_batch: int) -> Iterator[pa.RecordBatch]:
    """All rows of `file` in batches of at most `rows_a_batch`; some rows of each row group are in memory.

    `by` is a column of texts. Where a row group is not in its order, rows come out of order, and all the same.
    """
    count = file.num_row_groups
    rows = max(1, min(rows_a_batch, _BATCHES_HELD * rows_a_batch // max(2 * count, 1)))
    groups = [file.iter_batches(rows, row_groups=[group], use_threads=False) for group in range(count)]
    ends = [("", group) for group in range(count)]  # up to where each was read: a heap
    held: list[pa.RecordBatch] = []
    while ends:
        enough = max(2 * rows * count, sum(map(len, held)) + 1)
        while ends and (not ends[0][0] or sum(map(len, held)) < enough):
            _, group = heappop(ends)
            if (head := next(groups[group], None)) is not None:
                held.append(head)
                heappush(ends, (pc.max(head[by]).as_py(), group))
        if held:
            table = pa.Table.from_batches(held).combine_chunks().sort_by(by)
            due = pc.sum(pc.less_equal(table[by], ends[0][0])).as_py() if ends else len(table)  # no such is to come
            yield from table.slice(0, due).to_batches(rows_a_batch)
            held = table.slice(due).to_batches()
