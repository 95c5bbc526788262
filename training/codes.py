"""Ids as codes: what arrays are indexed by."""

import pyarrow as pa

from features.codes import ranked
from models.arrays import Codes, Ids


def encoded(column: pa.ChunkedArray) -> tuple[Codes, Ids]:
    """The code of each entry, and the sorted ids that the codes point into. Every entry has an id.

    >>> codes, ids = encoded(pa.chunked_array([["tea", "milk"], ["tea"]]))
    >>> codes.tolist(), ids.tolist()
    ([1, 0, 1], ['milk', 'tea'])
    """
    entries = column.combine_chunks().dictionary_encode()
    ranks, ids = ranked(entries.dictionary)
    return ranks[entries.indices.to_numpy()], ids.to_numpy(zero_copy_only=False).astype(object)
