"""Metrics by hand, and the laws that bind them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.ranking import coverage, hit_rate, ndcg, popularity_lift, recall, reciprocal_rank

rankings = st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=1, max_size=8)


def test_by_hand() -> None:
    hits = np.array([[False, True, True, False]])
    targets = np.array([3])
    assert recall(hits, targets, 4).tolist() == pytest.approx([2 / 3])
    gain = 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg(hits, targets, 4).tolist() == pytest.approx([gain / (1 + gain)])
    assert reciprocal_rank(hits, 4).tolist() == [0.5]
    assert hit_rate(hits, 1).tolist() == [0.0]


@given(rankings, st.integers(1, 20), st.integers(0, 9))
def test_laws(rows: list[list[bool]], k: int, more: int) -> None:
    hits = np.array(rows)
    targets = np.maximum(hits.sum(axis=1) + more, 1)
    for values in (recall(hits, targets, k), ndcg(hits, targets, k), hit_rate(hits, k), reciprocal_rank(hits, k)):
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
        assert ((values > 0) == hits[:, :k].any(axis=1)).all()
    if k > 1:
        assert (recall(hits, targets, k) >= recall(hits, targets, k - 1)).all()
    earlier = np.sort(hits, axis=1)[:, ::-1]
    assert (ndcg(earlier, targets, k) >= ndcg(hits, targets, k) - 1e-12).all()
    assert (ndcg(earlier, earlier.sum(axis=1).clip(1), 20) >= earlier.any(axis=1) - 1e-12).all()


def test_padding_is_neither_covered_nor_popular() -> None:
    shown = np.array([[2, -1], [2, 0]], np.int32)
    assert coverage(shown, 5) == pytest.approx(2 / 5)
    assert popularity_lift(shown, np.array([1.0, 9.0, 4.0]), np.array([0], np.int32)) == pytest.approx(3.0)
    assert popularity_lift(shown[:1, 1:], np.array([1.0]), np.array([0], np.int32)) == 0
