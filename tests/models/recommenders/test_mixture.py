"""Shares against mixtures that were planted."""

import numpy as np
import pytest

from models.arrays import Floats
from models.recommenders.mixture import Moments, shares


def moments(truth: Floats, count: int = 4_000, products: int = 30, seed: int = 0) -> Moments:
    """Situations, the rows of `truth`, take turns; what is taken is drawn from the mixture of their voices."""
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.full(products, 0.1), (count, truth.shape[1])).transpose(0, 2, 1)
    kinds = np.arange(count) % len(truth)
    taken = [int(rng.choice(products, p=rows @ truth[kind])) for rows, kind in zip(votes, kinds, strict=True)]
    return Moments.of(list(votes), taken, kinds.tolist(), truth.shape[1])


def test_planted_shares_are_found_in_each_situation() -> None:
    truth = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    assert shares(moments(truth), 2, prior=10.0) == pytest.approx(truth, abs=0.12)


def test_few_moments_of_a_situation_stay_near_all_moments() -> None:
    truth = np.array([[0.9, 0.1], [0.1, 0.9]])
    few = moments(truth, count=40)
    one, other = shares(few, 2, prior=0.1), shares(few, 2, prior=1e6)
    assert abs(other[0] - other[1]).max() < 0.01 < abs(one[0] - one[1]).max()


def test_a_voice_without_right_gets_next_to_nothing_and_rows_sum_to_one() -> None:
    found = shares(moments(np.array([[1.0, 0.0]])), 3, prior=10.0)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[0, 1] < 0.05


def test_without_moments_all_voices_are_equal() -> None:
    nothing = Moments.of([], [], [], 4)
    assert shares(nothing, 2, prior=10.0) == pytest.approx(np.full((2, 4), 0.25))


def test_a_voice_that_is_often_second_is_corrected_where_places_suffer() -> None:
    """What was taken is always the first of voice 0 with little weight, while voice 1 shouts another product."""
    votes = [np.array([[0.4, 0.0], [0.0, 0.9], *[[0.02, 0.0033]] * 30])] * 200
    found = shares(Moments.of(votes, [0] * 160 + [1] * 40, [0] * 200, 2), 1, prior=1.0)
    assert found[0, 0] * 0.4 > found[0, 1] * 0.9
