"""The rows of a Parquet file in the order of a column, out of row groups of which each is in that order by itself.

A table of features is one row group a shard. A B-tree that is filled in its own order is appended to, while rows that
come shard by shard dirty all of its pages once a shard.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def in_order(file: pq.ParquetFile, by: str, rows_a_batch: int) -> Iterator[pa.RecordBatch]:
    """All rows of `file` in batches of roughly `rows_a_batch`; a batch of each row group is in memory.

    `by` is a column of texts. Where a row group is not in its order, rows come out of order, and all the same.
    """
    groups = [file.iter_batches(rows_a_batch, row_groups=[group]) for group in range(file.num_row_groups)]
    heads = [(group, head) for group in groups if (head := next(group, None)) is not None]
    while heads:
        until = min(pc.max(head[by]).as_py() for _, head in heads)  # nothing before it is still to come
        due, rest = [], []
        for group, head in heads:
            count = pc.sum(pc.less_equal(head[by], until)).as_py()
            due.append(head.slice(0, count))
            left = head.slice(count) if count < len(head) else next(group, None)
            if left is not None:
                rest.append((group, left))
        heads = rest
        found = pa.Table.from_batches(due).combine_chunks()
        yield from found.sort_by(by).to_batches(rows_a_batch)
