"""What each customer wanted last, as lists: cut out of ordered rows, as SQL gathers them at three times the cost."""

import numpy as np
import pyarrow as pa

from features.codes import NO_NAMES, Names, named

LISTS = {"product_id": "history_ids", "day": "history_days", "weight": "history_weights"}
"""Columns of rows, and the lists that they become."""


def lists_of(rows: pa.Table, customers: int, limit: int, names: Names = NO_NAMES) -> list[tuple[str, pa.Array]]:
    """The latest `limit` of each customer's rows as one list a column of `LISTS`, by name; empty of whom has none.

    `rows` are sorted by `place`, which is below `customers`, and then oldest first; `names` has the texts of codes.
    """
    counts = np.bincount(rows["place"].to_numpy(), minlength=customers)
    kept = np.minimum(counts, limit)
    if counts.max(initial=0) > limit:
        ends = np.cumsum(counts)
        latest = np.ones(len(rows), bool)
        for customer in np.flatnonzero(counts > limit):
            latest[ends[customer] - counts[customer] : ends[customer] - limit] = False
        rows = rows.filter(pa.array(latest))
    rows = named(rows, names)
    offsets = pa.array(np.concatenate([[0], np.cumsum(kept)]), pa.int32())
    return [(name, pa.ListArray.from_arrays(offsets, rows[column].combine_chunks())) for column, name in LISTS.items()]
