"""Inverse-gap weighting: lawful whatever the values, greedy when sharp, uniform when not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policies.eligible import Eligible
from models.policies.gap_weighting import gap_weighted

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(VALUES, st.floats(0.0, 1e9))
def test_better_is_never_less_likely_and_all_sum_to_one(values: list[float], sharpness: float) -> None:
    eligible = Eligible.of([[({}, {})] * len(values)])
    found = gap_weighted(np.array(values), eligible, sharpness)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(found[np.argsort(values)]) >= -1e-12).all()


def test_no_sharpness_is_chance_and_much_is_greed() -> None:
    eligible = Eligible.of([[({}, {})] * 4])
    values = np.array([0.0, 3.0, 1.0, 3.0])
    assert gap_weighted(values, eligible, 0.0).tolist() == [0.25] * 4
    assert gap_weighted(values, eligible, 1e12) == pytest.approx([0.0, 0.5, 0.0, 0.5], abs=1e-9)
