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


@st.composite
def hardly_any_scores(draw: st.DrawFn) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A large shop of which a model has an opinion on a few products, NaN and infinity among them."""
    scores = np.full(draw(st.integers(1, 5_000)), -np.inf)
    places = draw(st.lists(st.integers(0, len(scores) - 1), max_size=60))
    told = st.sampled_from([np.nan, np.inf, -1.0, 0.0, 0.5]) | st.floats(-9, 9, width=32)
    scores[places] = [draw(told) for _ in places]
    return scores


@given(scores_of_any_size | hardly_any_scores(), st.integers(0, 30), st.integers(0, 2**32 - 1))
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


def test_scores_that_somebody_keeps_are_not_written_to() -> None:
    for count in (10, 5_000):
        scores = np.full(5_000, -np.inf)
        scores[:count] = np.arange(count)
        scores.flags.writeable = False
        assert best(scores, 1, scores < count - 1).codes.tolist() == [count - 2]


@given(scores_of_any_size | hardly_any_scores(), st.integers(0, 30), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_scores_that_are_sorted_once_for_everybody_give_the_same_under_every_mask(
    scores: "np.ndarray[tuple[int], np.dtype[np.float64]]", k: int, share: float, seed: int
) -> None:
    fixed = scores.copy()
    fixed.flags.writeable = False
    rng = np.random.default_rng(seed)
    for allow in (None, rng.random(len(scores)) < share, np.zeros(len(scores), bool)):
        expected, found = best(scores, k, allow), best(fixed, k, allow)
        assert found.codes.tolist() == expected.codes.tolist()
        assert found.scores.tolist() == expected.scores.tolist()


def test_many_scores_for_everybody_are_not_taken_for_each_other() -> None:
    for place in range(40):
        scores = np.zeros(50)
        scores[place] = 1.0
        scores.flags.writeable = False
        assert best(scores, 1).codes.tolist() == [place]
