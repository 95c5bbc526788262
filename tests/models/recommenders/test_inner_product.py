"""Whoever looks at the longest vectors first gives the same answer as whoever looks at all."""

import numpy as np
import pytest

from models.recommenders.inner_product import LongestFirst
from models.recommenders.top_k import best

ITEMS, FACTORS = 20_000, 8


def vectors(skew: float, seed: int = 0) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Whole numbers, so that no order of adding shows, and ties; the larger `skew`, the fewer of them are long."""
    rng = np.random.default_rng(seed)
    lengths = 30 * rng.random(ITEMS) ** skew
    return np.round(rng.normal(size=(ITEMS, FACTORS)) * lengths[:, None]).astype(np.float32)


@pytest.mark.parametrize("skew", [0.0, 1.0, 8.0])
@pytest.mark.parametrize("k", [1, 20, 800, ITEMS])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.001, 0.0])
def test_it_equals_the_whole_product(skew: float, k: int, share: float) -> None:
    items, rng = vectors(skew), np.random.default_rng(1)
    longest = LongestFirst.of(items)
    for _ in range(3):
        vector = np.round(9 * rng.normal(size=FACTORS)).astype(np.float32)
        allow = items.any(axis=1) & (rng.random(ITEMS) < share)
        found, expected = longest.best(vector, k, allow), best(items @ vector, k, allow)
        assert found.codes.tolist() == expected.codes.tolist()
        assert found.scores.tolist() == expected.scores.tolist()


def test_few_are_looked_at_where_few_are_long() -> None:
    """The short ones are not even there."""
    items = vectors(8.0)
    longest = LongestFirst.of(items)
    few = LongestFirst(np.full_like(items, np.nan), longest.codes, longest.lengths, longest.head)
    vector = np.arange(1, FACTORS + 1, dtype=np.float32)
    expected = best(items @ vector, 20, items.any(axis=1))
    assert few.best(vector, 20, items.any(axis=1)).codes.tolist() == expected.codes.tolist()


def test_vectors_that_are_all_zero_answer_nothing() -> None:
    longest = LongestFirst.of(np.zeros((ITEMS, FACTORS), np.float32))
    assert not len(longest.best(np.ones(FACTORS, np.float32), 5, np.zeros(ITEMS, bool)).codes)
