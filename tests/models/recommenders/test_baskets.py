"""Baskets hold each product of an order once, and what was not bought is in none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recommenders.base import Interactions
from models.recommenders.baskets import Baskets
from tests.models.recommenders.world import UNTIL

DAY = UNTIL - 10


def shop(lines: list[tuple[int, int, float, int]]) -> Interactions:
    """Lines of (customer, item, day, order)."""
    customers, items, days, orders = np.array(lines, float).reshape(-1, 4).T
    return Interactions(
        customers=customers.astype(np.int32),
        items=items.astype(np.int32),
        days=days,
        weights=np.ones(len(lines)),
        item_ids=np.array(list("abcdef"), object),
        customer_count=9,
        until=UNTIL,
        orders=orders.astype(np.int32),
    )


LINES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 5), st.floats(DAY, UNTIL), st.integers(-1, 6)), min_size=1, max_size=30
)


@given(LINES)
def test_each_order_is_a_basket_and_views_are_in_none(lines: list[tuple[int, int, float, int]]) -> None:
    found = Baskets.of_orders(shop(lines))
    orders = sorted({order for *_, order in lines if order >= 0})
    expected = [{item for _, item, _, its in lines if its == order} for order in orders]
    assert [set(np.flatnonzero(row)) for row in found.lines.toarray()] == expected
    assert found.lines.toarray().max(initial=0) <= 1
    assert found.days.tolist() == [max(day for *_, day, its in lines if its == order) for order in orders]


@given(LINES)
def test_without_orders_a_day_of_a_customer_is_a_basket(lines: list[tuple[int, int, float, int]]) -> None:
    found = Baskets.of_orders(replace(shop(lines), orders=None))
    visits = {(customer, np.floor(day)) for customer, _, day, _ in lines}
    expected = [
        {item for its, item, its_day, _ in lines if (its, np.floor(its_day)) == (customer, day)}
        for customer, day in visits
    ]
    assert sorted(sorted(np.flatnonzero(row)) for row in found.lines.toarray()) == sorted(map(sorted, expected))


def test_a_customer_is_a_basket_of_all_that_he_bought() -> None:
    lines = [(0, 1, DAY, 0), (0, 2, UNTIL, 1), (0, 1, UNTIL, 1), (3, 4, DAY, 2), (3, 5, DAY, -1)]
    found = Baskets.of_customers(shop(lines), 9)
    assert [np.flatnonzero(row).tolist() for row in found.lines.toarray()] == [[1, 2], [4]]
    assert found.days.tolist() == [UNTIL, DAY]
    assert Baskets.of_customers(replace(shop(lines), orders=None), 9).lines.sum() == 4


@given(LINES, st.integers(1, 4))
def test_of_a_customer_with_many_products_the_latest_count(lines: list[tuple[int, int, float, int]], most: int) -> None:
    found = Baskets.of_customers(replace(shop(lines), orders=None), most)
    customers = sorted({customer for customer, *_ in lines})
    for customer, row, latest in zip(customers, found.lines.toarray(), found.days, strict=True):
        days: dict[int, float] = {}
        for its, item, day, _ in lines:
            if its == customer:
                days[item] = max(days.get(item, -np.inf), day)
        kept = sorted(days, key=lambda item: (-days[item], item))[:most]
        assert np.flatnonzero(row).tolist() == sorted(kept)
        assert latest == max(days.values())


def test_old_and_crowded_baskets_count_less() -> None:
    found = Baskets.of_orders(
        shop([(0, 1, UNTIL - 7, 0), (0, 2, UNTIL - 7, 0), *((1, item, UNTIL, 1) for item in range(5))])
    )
    assert found.weights(None, 0.0).tolist() == [1, 1]
    assert found.weights(7.0, 0.0).tolist() == [0.5, 1]
    assert found.weights(None, 1.0).tolist() == [1, 0.25]
    with pytest.raises(ValueError, match="positive number"):
        found.weights(0.0, 0.0)


def test_where_nothing_was_bought_there_is_no_basket() -> None:
    for data in (shop([]), shop([(0, 1, DAY, -1)]), replace(shop([]), orders=None)):
        for found in (Baskets.of_orders(data), Baskets.of_customers(data, 3)):
            assert found.lines.shape == (0, 6)
            assert found.weights(7.0, 0.5).size == 0
