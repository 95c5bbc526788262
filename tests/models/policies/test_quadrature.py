"""The chance to be the best by quadrature is that of many draws."""

import numpy as np
import pytest

from models.policies.eligible import Eligible
from models.policies.quadrature import best_of_normals


def test_it_is_the_share_of_draws_in_which_an_action_wins() -> None:
    rng = np.random.default_rng(1)
    sizes = [1, 2, 5, 24]
    eligible = Eligible.of([[({}, {})] * size for size in sizes])
    means, deviations = rng.normal(size=32), rng.uniform(0.5, 2.0, 32)
    drawn = means + deviations * rng.normal(size=(200_000, 32))
    best = drawn == np.maximum.reduceat(drawn, eligible.starts[:-1], axis=1)[:, eligible.decisions]
    assert best_of_normals(means, deviations, eligible) == pytest.approx(best.mean(axis=0), abs=6e-3)


def test_equal_actions_share_and_a_sure_winner_wins() -> None:
    eligible = Eligible.of([[({}, {})] * 3] * 2)
    found = best_of_normals(np.array([1.0, 1.0, 1.0, 9.0, 0.0, 0.0]), np.array([1.0] * 3 + [1e-6] * 3), eligible)
    assert found == pytest.approx([1 / 3] * 3 + [1.0, 0.0, 0.0], abs=1e-9)
