"""The past taken off: no bias, less noise; and a sequence that holds the truth at every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Floats, Mask
from models.off_policy.cuped import FEWEST, adjusted, sequence

World = tuple[Floats, Floats, Mask]


def planted(seed: int, effect: float, share: float, customers: int, faithful: float = 4.0) -> World:
    """Customers of different tastes buy before and after; those of the first group `effect` more on average."""
    rng = np.random.default_rng(seed)
    taste, first = rng.gamma(0.7, 1 / 0.7, customers), rng.random(customers) < share
    past = rng.poisson(faithful * taste).astype(np.float64)
    values = rng.poisson(faithful / 3 * taste).astype(np.float64) + effect * first * rng.exponential(1.0, customers)
    return values, past, first


def test_the_adjustment_has_no_bias_and_less_noise() -> None:
    effect, plain, foretold = 0.3, [], []
    for seed in range(300):
        found = adjusted(*planted(seed, effect, 0.8, 600))
        plain.append(found.plain.mean)
        foretold.append(found.adjusted.mean)
        assert found.adjusted.high - found.adjusted.low < found.plain.high - found.plain.low
    error = np.std(foretold) / np.sqrt(len(foretold))
    assert abs(np.mean(foretold) - effect) < 4 * error
    assert np.std(foretold) < 0.85 * np.std(plain)


def test_intervals_hold_the_truth_as_often_as_they_say_and_not_always() -> None:
    found = [adjusted(*planted(seed, 0.3, 0.6, 800)).adjusted for seed in range(300)]
    held = np.mean([one.low <= 0.3 <= one.high for one in found])
    assert 0.91 <= held <= 0.99


def test_a_past_that_foretells_nothing_costs_nothing_and_gains_nothing() -> None:
    rng = np.random.default_rng(1)
    values, first = rng.exponential(1.0, 4_000), rng.random(4_000) < 0.5
    assert adjusted(values, rng.normal(size=4_000), first).variance_left == pytest.approx(1.0, abs=0.01)
    constant = adjusted(values, np.full(4_000, 3.0), first)
    assert constant.variance_left == 1.0
    assert constant.adjusted == constant.plain


@pytest.mark.parametrize(("share", "rate"), [(0.5, 0.3), (0.95, 0.3), (0.95, 0.05)])
def test_the_sequence_holds_the_truth_at_all_times_at_once(share: float, rate: float) -> None:
    """Also where one in twenty is in the other group and one in twenty buys, for very different amounts."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, 5])
        taste, first = rng.gamma(1.0, 1.0, 6_000), rng.random(6_000) < share
        past, values = (rng.poisson(k * rate * taste) * rng.lognormal(0.0, 0.8, 6_000) for k in (3, 1))
        values = values + 0.1 * first
        found = sequence(values, past, first, share)
        held += bool(((found.low <= 0.1) & (found.high >= 0.1)).all())
    assert held >= 95


def test_the_sequence_finds_what_is_there_and_is_never_surer_than_one_look() -> None:
    values, past, first = planted(3, 0.5, 0.7, 8_000)
    looked, once = sequence(values, past, first, 0.7), adjusted(values, past, first).adjusted
    assert 0 < looked.low[-1] < 0.5 < looked.high[-1]
    assert looked.high[-1] - looked.low[-1] > once.high - once.low
    assert looked.means[-1] == pytest.approx(once.mean, abs=0.05)


def test_the_past_makes_the_sequence_narrower() -> None:
    values, past, first = planted(4, 0.0, 0.7, 5_000)
    with_past, without = (sequence(values, one, first, 0.7) for one in (past, np.zeros(5_000)))
    assert with_past.high[-1] - with_past.low[-1] < 0.9 * (without.high[-1] - without.low[-1])


def test_identical_groups_give_an_interval_over_zero() -> None:
    values, past, _ = planted(5, 0.0, 0.5, 2_000)
    twice, first = np.repeat(values, 2), np.tile([True, False], 2_000)
    found = adjusted(twice, np.repeat(past, 2), first)
    assert found.plain.mean == pytest.approx(0.0, abs=1e-9)
    assert found.adjusted.low < 0 < found.adjusted.high
    looked = sequence(twice, np.repeat(past, 2), first, 0.5)
    assert ((looked.low < 0) & (looked.high > 0)).all()


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.1, 5))
@settings(max_examples=25, deadline=None)
def test_units_and_offsets_change_nothing_but_the_units(seed: int, offset: float, unit: float) -> None:
    values, past, first = planted(seed, 0.2, 0.5, 400)
    one = adjusted(values, past, first)
    other = adjusted(unit * values + offset, 7.0 * past - 2.0, first)
    assert other.adjusted.mean == pytest.approx(unit * one.adjusted.mean, abs=1e-7)
    assert other.adjusted.high == pytest.approx(unit * one.adjusted.high, abs=1e-6)
    assert other.variance_left == pytest.approx(one.variance_left, abs=1e-6)


def test_what_comes_later_changes_no_entry_before() -> None:
    values, past, first = planted(6, 0.2, 0.6, 3_000)
    whole, part = sequence(values, past, first, 0.6), sequence(values[:2_000], past[:2_000], first[:2_000], 0.6)
    np.testing.assert_allclose(whole.low[:2_000], part.low)
    np.testing.assert_allclose(whole.means[:2_000], part.means)


def test_nothing_is_excluded_before_enough_of_each_group_are_there() -> None:
    values, past, first = planted(7, 5.0, 0.97, 3_000)
    found = sequence(values, past, first, 0.97)
    few = np.cumsum(~first) < FEWEST
    assert few.any()
    assert np.isinf(found.low[few]).all()
    assert np.isfinite(found.low[-1])
    nobody = sequence(np.zeros(3_000), past, first, 0.97)
    assert np.isinf(nobody.low).all()


def test_groups_that_cannot_be_compared_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="wait for more"):
        adjusted(np.ones(3), np.ones(3), np.array([True, True, False]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        sequence(np.ones(3), np.ones(3), np.array([True, True, False]), 1.0)
