"""Ids as codes: what arrays are indexed by."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


def joined(parts: Sequence[tuple[Codes, pa.Array]]) -> tuple[Codes, Ids]:
    """The entries of all parts, and the sorted ids that any of them names.

    A part has codes, -1 for no id, and texts of its own that they point into.
    """
    used = [texts.take(pa.array(np.unique(codes[codes >= 0]))) for codes, texts in parts]
    ids = pc.unique(pa.chunked_array(used, pa.string()))
    ids = ids.take(pc.sort_indices(ids))
    found = [np.empty(0, np.int32)]
    for codes, texts in parts:
        # one more, for what names nothing: its code is -1
        places = pc.fill_null(pc.index_in(texts, value_set=ids), -1).to_numpy()
        found.append(np.append(places, np.int32(-1))[codes])
    return np.concatenate(found), ids.to_numpy(zero_copy_only=False).astype(object)
