"""Codes are places in the sorted ids, whatever the pieces of a column."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from training.codes import encoded

ids = st.sampled_from(["", "a", "A", "b", "é", "日", "a\x7f", "aa", "\uffee", "\U0001f375"])


@given(st.lists(st.lists(ids, max_size=6), max_size=4))
def test_codes_are_those_of_numpy(pieces: list[list[str]]) -> None:
    codes, found = encoded(pa.chunked_array(pieces, pa.string()))
    expected, inverse = np.unique(np.array([id_ for piece in pieces for id_ in piece], object), return_inverse=True)
    assert (codes.tolist(), found.tolist()) == (inverse.tolist(), expected.tolist())
    assert (codes.dtype, found.dtype) == (np.int32, object)
