"""Codes are places in the sorted ids, whatever the pieces of a column."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from training.codes import encoded, joined

ids = st.sampled_from(["", "a", "A", "b", "é", "日", "a\x7f", "aa", "\uffee", "\U0001f375"])


@given(st.lists(st.lists(ids, max_size=6), max_size=4))
def test_codes_are_those_of_numpy(pieces: list[list[str]]) -> None:
    codes, found = encoded(pa.chunked_array(pieces, pa.string()))
    expected, inverse = np.unique(np.array([id_ for piece in pieces for id_ in piece], object), return_inverse=True)
    assert (codes.tolist(), found.tolist()) == (inverse.tolist(), expected.tolist())
    assert (codes.dtype, found.dtype) == (np.int32, object)


@given(st.lists(st.lists(ids, max_size=6), max_size=4), st.lists(ids, unique=True, max_size=3))
def test_codes_of_parts_are_those_of_the_whole(pieces: list[list[str]], unused: list[str]) -> None:
    parts = []
    for piece in pieces:
        texts = sorted({*piece, *unused})
        parts.append((np.array([-1, *map(texts.index, piece)], np.int32), pa.array(texts, pa.string())))
    codes, found = joined(parts)
    expected, known = encoded(pa.chunked_array(pieces, pa.string()))
    assert (codes[codes >= 0].tolist(), found.tolist()) == (expected.tolist(), known.tolist())
    assert (codes < 0).sum() == len(pieces)
    assert (codes.dtype, found.dtype) == (np.int32, object)
