"""Who is called different: bounded by chance, exact for few."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from training.reports.discoveries import discoveries, p_values


def test_a_group_is_compared_with_all_that_are_not_in_it() -> None:
    won, tried = np.array([9, 2, 4]), np.array([10, 20, 10])
    for p, mine, of in zip(p_values(won, tried, 15, 40), won, tried, strict=True):
        table = np.array([[mine, of - mine], [15 - mine, 40 - of - 15 + mine]])
        sides = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
        assert p == pytest.approx(min(1.0, 2 * min(sides)))


def test_where_all_are_alike_hardly_a_world_discovers_anything() -> None:
    rng, worlds, found = np.random.default_rng(2), 200, 0.0
    for _ in range(worlds):
        tried = rng.integers(1, 200, 40)
        won = rng.binomial(tried, 0.3)
        found += float(discoveries(p_values(won, tried, int(won.sum()), int(tried.sum()))).any())
    assert found <= 0.05 * worlds + 3 * np.sqrt(0.05 * 0.95 * worlds)


def test_of_what_is_called_more_hardly_any_is_not() -> None:
    rng, false = np.random.default_rng(3), []
    for _ in range(40):
        tried, rate = np.full(100, 300), np.where(np.arange(100) < 20, 0.45, 0.3)
        won = rng.binomial(tried, rate)
        called = discoveries(p_values(won, tried, int(won.sum()), int(tried.sum())))
        more = called & (won * tried.sum() > tried * won.sum())
        false.append(more[20:].sum() / max(more.sum(), 1))
        assert more[:20].sum() >= 10
    assert np.mean(false) <= 0.05


def test_nothing_compared_discovers_nothing() -> None:
    assert discoveries(np.empty(0)).tolist() == []
