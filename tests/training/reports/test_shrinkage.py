"""Shrunk rates: between a group's own and that of all, with intervals that hold the truth."""

import numpy as np
import pytest

from training.reports.shrinkage import shrunk


@pytest.mark.parametrize(("strength", "messages"), [(20.0, 2_000), (200.0, 20_000), (1e9, 5_000)])
def test_intervals_hold_the_truth_however_alike_the_groups_are(strength: float, messages: int) -> None:
    rng, held = np.random.default_rng(4), []
    for _ in range(6):
        tried = rng.multinomial(messages, rng.dirichlet(np.ones(168)))
        rates = rng.beta(0.2 * strength, 0.8 * strength, 168)
        found = shrunk(rng.binomial(tried, rates), tried)
        held.append(((found.low <= rates) & (rates <= found.high)).mean())
    assert np.mean(held) > 0.91


def test_where_all_are_alike_none_is_told_apart() -> None:
    rng, apart = np.random.default_rng(5), 0
    for _ in range(6):
        tried = rng.integers(0, 100, 168)
        won = rng.binomial(tried, 0.1)
        found, mean = shrunk(won, tried), won.sum() / tried.sum()
        apart += int(((found.low > mean) | (found.high < mean)).sum())
    assert apart <= 0.01 * 6 * 168


def test_it_is_nearer_to_the_truth_than_the_rates_themselves() -> None:
    rng = np.random.default_rng(6)
    tried, rates = rng.integers(1, 60, 168), rng.beta(6, 24, 168)
    won = rng.binomial(tried, rates)
    found = shrunk(won, tried)
    assert ((found.mean - rates) ** 2).mean() < 0.6 * ((won / tried - rates) ** 2).mean()


def test_an_estimate_lies_between_what_was_seen_and_what_is_common() -> None:
    found = shrunk(np.array([0, 10, 500, 0]), np.array([5, 12, 1_000, 0]))
    assert found.mean[0] > 0
    assert found.mean[1] < 10 / 12
    assert ((found.low <= found.mean) & (found.mean <= found.high)).all()
    assert (found.high - found.low)[3] > (found.high - found.low)[2]


def test_a_foreseen_shape_helps_where_it_is_true_and_does_no_harm_where_it_is_not() -> None:
    rng = np.random.default_rng(7)
    shape = rng.normal(0, 0.4, 168)
    rates, tried = 0.15 * np.exp(shape), np.full(168, 80)
    won = rng.binomial(tried, rates)
    missed = {
        name: ((shrunk(won, tried, told).mean - rates) ** 2).mean()
        for name, told in {"none": None, "true": shape, "false": rng.permutation(shape)}.items()
    }
    assert missed["true"] < 0.4 * missed["none"]
    assert missed["false"] < 1.1 * missed["none"]


def test_groups_are_shrunk_to_what_they_are_told_is_common() -> None:
    won, tried = np.full(5, 8), np.full(5, 10)
    alone, told = shrunk(won, tried).mean[0], shrunk(won, tried, common=(2_000, 10_000)).mean[0]
    assert alone == pytest.approx(0.8, abs=0.02)
    assert 0.3 < told < alone


def test_of_nothing_nothing_is_known() -> None:
    found = shrunk(np.zeros(168, np.int64), np.zeros(168, np.int64))
    assert found.high[0] - found.low[0] > 0.9
