"""The matrix adds up what each customer wanted, to the last digit in whatever order it is told."""

from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.interaction_matrix import interaction_matrix
from tests.models.recommenders.world import UNTIL, random_shop, reordered

CROWDED = random_shop(seed=3, size=4_000, customers=5, items=6)
"""Over a hundred interactions in a cell, so that the order of a sum shows in its last digit."""


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_interactions_does_not_show_in_the_last_digit(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(CROWDED.items))
    one, other = (interaction_matrix(data, 30.0, 0.5) for data in (CROWDED, reordered(CROWDED, order)))
    assert np.array_equal(one.toarray(), other.toarray())


@pytest.mark.parametrize(("half_life", "power"), [(None, 1.0), (10.0, 1.0), (30.0, 0.25)])
def test_it_equals_a_loop(half_life: float | None, power: float) -> None:
    expected = np.zeros((CROWDED.customer_count, len(CROWDED.item_ids)))
    for row in zip(CROWDED.customers, CROWDED.items, CROWDED.days, CROWDED.weights, strict=True):
        customer, item, day, weight = row
        expected[customer, item] += weight * (
            1 if half_life is None else 0.5 ** ((CROWDED.days.max() - day) / half_life)
        )
    assert interaction_matrix(CROWDED, half_life, power).toarray() == pytest.approx(expected**power)


def test_what_has_faded_to_nothing_is_not_in_it() -> None:
    days = np.where(CROWDED.items == 2, UNTIL - 100_000, UNTIL - 1)
    matrix = interaction_matrix(replace(CROWDED, days=days), 10.0, 0.1)
    assert 2 not in matrix.indices
    assert np.isfinite(matrix.data).all()
