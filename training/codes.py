"""Ids as codes: what arrays are indexed by."""

import numpy as np
import pyarrow as pa

from models.arrays import Codes, Ids


def encoded(column: pa.ChunkedArray) -> tuple[Codes, Ids]:
    """The code of each entry, and the sorted ids that the codes point into."""
    entries = column.combine_chunks().dictionary_encode()
    ids = entries.dictionary.to_numpy(zero_copy_only=False).astype(object)
    order = np.argsort(ids, kind="stable")
    rank = np.empty(len(ids), np.int32)
    rank[order] = np.arange(len(ids), dtype=np.int32)
    return rank[entries.indices.to_numpy()] if len(ids) else np.empty(0, np.int32), ids[order]
