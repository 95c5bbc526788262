"""The fast way to the top equals the slow one, whatever the scores."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.recommenders.top_k import best

scores_of_any_size = arrays.arrays(
    np.float64,
    st.integers(0, 700),
    elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(-9, 9, width=32),
)


@given(scores_of_any_size, st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_it_equals_sorting_everything(
    scores: "np.ndarray[tuple[int], np.dtype[np.float64]]", k: int, seed: int
) -> None:
    allow = np.random.default_rng(seed).random(len(scores)) < 0.6
    expected = sorted(
        (code for code in range(len(scores)) if allow[code] and np.isfinite(scores[code])),
        key=lambda code: (-scores[code], code),
    )[:k]
    found = best(scores, k, allow)
    assert found.codes.tolist() == expected
    assert found.scores.tolist() == [scores[code] for code in expected]
