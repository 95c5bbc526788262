"""Concordance is that of lifelines, row counts included, and what customers add to it resamples as a recount would."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.utils import concordance_index

from training.bootstrap import paired
from training.metrics.concordance import auc, concordance

rows = st.lists(st.tuples(st.integers(1, 6), st.integers(-2, 3), st.booleans()), min_size=2, max_size=40)


@given(rows)
def test_it_is_that_of_lifelines(rows: list[tuple[int, int, bool]]) -> None:
    times, expected, observed = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    came = observed.astype(bool)
    found = concordance(times, expected, came)
    if found.under.sum() == 0:
        assert np.isnan(found.value)
    else:
        assert found.value == pytest.approx(concordance_index(times, expected, came), abs=1e-12)


@given(rows)
def test_each_row_counts_its_own_pairs(rows: list[tuple[int, int, bool]]) -> None:
    times, expected, observed = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    came = observed.astype(bool)
    found = concordance(times, expected, came)
    later = (times[:, None] < times[None, :]) | ((times[:, None] == times[None, :]) & ~came[None, :])
    comparable = later & came[:, None]
    right = comparable * ((expected[:, None] < expected[None, :]) + 0.5 * (expected[:, None] == expected[None, :]))
    assert found.under.tolist() == (comparable.sum(axis=0) + comparable.sum(axis=1)).tolist()
    assert found.over.tolist() == (right.sum(axis=0) + right.sum(axis=1)).tolist()


def test_a_larger_world_as_lifelines_has_it() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(1, 85, 3_000).astype(np.float64)
    expected = np.round(times + rng.normal(0, 40, 3_000))
    found = concordance(times, expected, times < 84)
    assert found.value == pytest.approx(concordance_index(times, expected, times < 84), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_area_under_the_curve_and_a_concordance(rows: list[tuple[int, bool]]) -> None:
    chances, came = np.array([row[0] for row in rows]) / 5, np.array([row[1] for row in rows])
    if 0 < came.sum() < len(came):
        pairs = np.subtract.outer(chances[came], chances[~came])
        assert auc(chances, came).value == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), abs=1e-12)
    same = concordance(np.where(came, 0.0, 1.0), -chances, came)
    assert (auc(chances, came).over == same.over).all()
    assert (auc(chances, came).under == same.under).all()


@settings(max_examples=25)
@given(rows, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(rows: list[tuple[int, int, bool]], random: np.random.Generator) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = []
    for some, scale in ((rows, 1.0), (shuffled, 7.0)):
        times, expected, observed = (np.array(column, np.float64) for column in zip(*some, strict=True))
        found.append(concordance(times, np.exp(expected / scale), observed.astype(bool)).value)
    assert found[0] == pytest.approx(found[1], nan_ok=True)


def test_resampled_customers_spread_as_if_the_concordance_were_counted_anew() -> None:
    rng = np.random.default_rng(1)
    customers = np.repeat(np.arange(120, dtype=np.int32), 5)
    rate = rng.normal(0, 1, 120)[customers]
    times = np.ceil(rng.exponential(np.exp(rate)) * 10)
    one, other = rate + rng.normal(0, 1, 600), rate + rng.normal(0, 2, 600)
    came = times < 20
    mine, its = (concordance(times, guess, came).by_customer(customers) for guess in (one, other))
    quick = paired(mine, its, rng)
    counted = []
    for _ in range(300):
        drawn = np.concatenate([np.arange(5) + 5 * who for who in rng.integers(120, size=120)])
        counted.append(
            concordance(times[drawn], one[drawn], came[drawn]).value
            - concordance(times[drawn], other[drawn], came[drawn]).value
        )
    low, high = np.quantile(counted, [0.025, 0.975])
    assert quick.mean == pytest.approx(concordance(times, one, came).value - concordance(times, other, came).value)
    assert high - low == pytest.approx(quick.high - quick.low, rel=0.15)
    assert quick.low == pytest.approx(low, abs=0.15 * (high - low))


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one a row each"):
        concordance(np.ones(2), np.ones(3), np.ones(2, bool))
    with pytest.raises(ValueError, match="infinity for what is never expected"):
        concordance(np.ones(2), np.array([1.0, np.nan]), np.ones(2, bool))
