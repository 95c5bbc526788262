"""A cart holds the best of its customer, never more than its size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.cart import cart_recall, in_cart

rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=40
)


@given(rows, st.integers(1, 6))
def test_a_cart_holds_the_best_of_its_customer_and_day(rows: list[tuple[int, int, float, bool]], size: int) -> None:
    customers, days, scores = (np.array([row[place] for row in rows]) for place in range(3))
    taken = in_cart(customers.astype(np.int32), days.astype(np.int32), scores, size)
    for customer, day in {(row[0], row[1]) for row in rows}:
        mine = (customers == customer) & (days == day)
        assert taken[mine].sum() == min(size, mine.sum())
        assert scores[mine & taken].min() >= scores[mine & ~taken].max(initial=0.0)


@given(rows)
def test_a_cart_with_room_for_all_catches_all(rows: list[tuple[int, int, float, bool]]) -> None:
    customers, days, scores, came = (np.array([row[place] for row in rows]) for place in range(4))
    recalls = [
        cart_recall(customers.astype(np.int32), days.astype(np.int32), scores, came, size).value for size in (1, 5, 40)
    ]
    if came.any():
        assert recalls == sorted(recalls)
        assert recalls[-1] == pytest.approx(1.0)
