"""Intervals of shares: they hold what they promise, also for few and rare."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from training.reports.wilson import share


@given(st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_it_is_the_interval_of_the_library(pair: tuple[int, int]) -> None:
    count, of = pair
    found, known = share(count, of), binomtest(count, of).proportion_ci(method="wilson")
    assert (found.count, found.of) == pair
    assert found.value == pytest.approx(count / of, abs=1e-5)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-5)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    counts = np.random.default_rng(1).binomial(40, 0.05, 1_000).tolist()
    held = [found.low <= 0.05 <= found.high for found in (share(count, 40) for count in counts)]  # type: ignore[operator]
    assert np.mean(held) > 0.93


def test_a_share_of_nothing_is_not_known() -> None:
    assert share(0, 0).value is None
    assert share(0, 0).low is None
