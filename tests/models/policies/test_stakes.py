"""Stakes: how large rewards are is read from what is known, in one go or bit by bit."""

import numpy as np
import pytest

from models.arrays import Floats
from models.policies.stakes import Stakes

TRUTH = np.array([0.7, -0.4, 0.0])


def seen(n: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    columns = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    bought = rng.random(n) < 0.1
    return columns, bought * 30.0 * np.exp(columns[:, 1:] @ TRUTH) * rng.uniform(0.5, 1.5, n)


@pytest.mark.parametrize("parts", [1, 40])
def test_what_was_planted_is_found(parts: int) -> None:
    columns, sizes = seen(20_000)
    stakes = Stakes()
    for number, rows in enumerate(np.array_split(np.arange(20_000), parts)):
        places = np.arange(4) if number else np.zeros(1, np.int64)
        stakes = stakes.learned(columns[rows], places, sizes[rows], np.ones(len(rows)), 1.0)
    assert stakes.usual == pytest.approx(sizes.mean())
    assert stakes.weights[1:] == pytest.approx(TRUTH, abs=0.2)


def test_rewards_that_are_all_nothing_teach_nothing() -> None:
    stakes = Stakes().learned(np.ones((5, 1)), np.zeros(1, np.int64), np.zeros(5), np.ones(5), 1.0)
    assert stakes.of(np.ones((2, 1))).tolist() == [1.0, 1.0]


def test_one_enormous_reward_is_bounded() -> None:
    columns, sizes = seen(500)
    sizes[3] = 1e12
    found = Stakes().learned(columns, np.zeros(1, np.int64), sizes, np.ones(500), 1.0).of(columns * 100)
    assert np.isfinite(found).all()
    assert found.max() <= np.exp(3.0)
    assert found.min() >= np.exp(-3.0)
