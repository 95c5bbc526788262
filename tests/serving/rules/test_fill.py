"""Filling: where nothing that is taken changes what may follow, the short way gives what the long one does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.rules.candidates import Candidates
from serving.rules.columns import Columns
from serving.rules.fill import filled
from serving.rules.rules import Rules

COLUMNS = Columns.build(np.array([f"{code:02d}" for code in range(40)], object), None)


@given(st.data())
def test_without_caps_the_heaviest_stand_in_their_order_as_under_caps_that_never_bind(data: st.DataObject) -> None:
    codes = np.array(data.draw(st.lists(st.integers(0, 39), unique=True, max_size=20)), np.int32)
    grades = st.sampled_from([0.01, 0.25, 0.5, 1.0, 3.0])
    weight = np.array(data.draw(st.lists(grades, min_size=len(codes), max_size=len(codes))), float)
    found = Candidates(codes, weight, ("any",) * len(codes), weight)
    fixed = data.draw(st.dictionaries(st.integers(1, 8), st.integers(0, 39), max_size=3))
    fixed = {position: code for position, code in fixed.items() if list(fixed.values()).count(code) == 1}
    free = [position for position in range(1, 9) if position not in fixed]
    nothing, everything = np.zeros(40, bool), np.ones(40, bool)
    short = filled(Rules(), COLUMNS, found, fixed, nothing, everything, free, 0)
    long = filled(Rules(caps={"brand": 40}), COLUMNS, found, fixed, nothing, everything, free, 0)
    assert short == long
