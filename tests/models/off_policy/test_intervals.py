"""Intervals hold what they say, of clusters and of skewed means, and comparisons may be looked at all the time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.off_policy.confidence_sequence import EARLIEST, normal_mixture
from models.off_policy.intervals import Bounds, Clusters, bootstrap_t, empirical_likelihood
from models.off_policy.slope import CLIPS, least_biased


def test_intervals_cover_skewed_means():
    rng = np.random.default_rng(0)
    inside = np.zeros(2)
    for _ in range(200):
        clusters = Clusters.of(rng.exponential(1.0, 300) ** 2 / 2, np.arange(300))
        found = (empirical_likelihood(clusters), bootstrap_t(clusters, rng, 199))
        inside += [each.low <= 1.0 <= each.high for each in found]
    assert (inside >= 175).all()
    assert (inside <= 199).all()


@given(st.floats(0, 3), st.floats(0, 3), st.floats(0, 3))
def test_another_error_widens_each_end_as_independent_errors_add_up(below, above, error):
    bounds = Bounds(1.0, 1.0 - 1.96 * below, 1.0 + 1.96 * above)
    wider = bounds.widened(error)
    assert wider.mean == 1.0
    assert (1.0 - wider.low) / 1.96 == pytest.approx(np.hypot(below, error), rel=1e-4, abs=1e-9)
    assert (wider.high - 1.0) / 1.96 == pytest.approx(np.hypot(above, error), rel=1e-4, abs=1e-9)


def test_decisions_of_a_customer_count_once():
    rng = np.random.default_rng(1)
    each = rng.normal(size=200)
    alone = Clusters.of(each, np.arange(200))
    tenfold = Clusters.of(np.repeat(each, 10), np.repeat(np.arange(200), 10))
    believed = Clusters.of(np.repeat(each, 10), np.arange(2000))
    assert tenfold.error == pytest.approx(alone.error)
    assert believed.error < 0.4 * alone.error
    wide, narrow = empirical_likelihood(tenfold), empirical_likelihood(believed)
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=30), st.floats(-10, 10), st.floats(0.1, 10))
def test_an_interval_holds_its_mean_and_moves_with_its_data(values, shift, scale):
    entries = np.array(values)
    found = empirical_likelihood(Clusters.of(entries, np.arange(len(entries))))
    assert found.low <= found.mean + 1e-9
    assert found.mean <= found.high + 1e-9
    assert found.low >= entries.min() - 1e-6
    assert found.high <= entries.max() + 1e-6
    if np.ptp(entries) > 1e-3:
        moved = empirical_likelihood(Clusters.of(entries * scale + shift, np.arange(len(entries))))
        width = scale * np.ptp(entries)
        assert moved.low == pytest.approx(found.low * scale + shift, abs=2e-3 * width)
        assert moved.high == pytest.approx(found.high * scale + shift, abs=2e-3 * width)


def test_more_certainty_is_wider():
    clusters = Clusters.of(np.random.default_rng(2).exponential(size=100), np.arange(100))
    narrow, wide = empirical_likelihood(clusters, 0.8), empirical_likelihood(clusters, 0.99)
    assert wide.low < narrow.low < clusters.mean < narrow.high < wide.high


def test_one_customer_proves_nothing():
    found = empirical_likelihood(Clusters.of(np.array([1.0, 2.0]), np.array([7, 7])))
    assert found.low == -np.inf
    with pytest.raises(ValueError, match="no decision"):
        Clusters.of(np.zeros(0), np.zeros(0, np.int64))


def test_looking_all_the_time_is_wrong_seldom_and_a_fixed_interval_often():
    rng = np.random.default_rng(3)
    crossed = fixed = 0
    for _ in range(200):
        entries = np.where(rng.random(4_000) < 0.1, 10.0, -10 / 9) * rng.choice([1.0, 0.2], 4_000)
        found = normal_mixture(entries)
        crossed += bool(((found.low > 0) | (found.high < 0)).any())
        n = np.arange(1, 4_001)
        error = np.sqrt(np.maximum(np.cumsum(entries**2) / n - found.means**2, 0)) / np.sqrt(n)
        fixed += bool((np.abs(found.means) > 1.96 * error)[EARLIEST:].any())
    assert crossed <= 16
    assert fixed >= 40


def test_a_sequence_finds_what_is_there():
    found = normal_mixture(np.random.default_rng(4).normal(0.2, 1.0, 5_000))
    assert found.low[-1] > 0
    assert (found.low <= found.means).all()
    assert np.isinf(found.high[: EARLIEST - 1]).all()


def test_the_least_noise_is_taken_until_it_is_biased():
    rng = np.random.default_rng(5)
    customers = np.arange(2_000)
    noises = [rng.normal(size=2_000) * scale for scale in (0.2, 0.5, 1.0, 2.0, 3.0, 4.0)]
    common = rng.normal(size=2_000)
    assert CLIPS[least_biased([common + noise for noise in noises], customers)] == CLIPS[0]
    biased = [common + noise + (0.5 if clip <= 20 else 0.0) for noise, clip in zip(noises, CLIPS, strict=True)]
    assert CLIPS[least_biased(biased, customers)] > 20.0
