"""Cells are what a sort of all interactions by customer and product finds."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.recommenders.base import Interactions
from models.recommenders.cells import Cells
from tests.models.recommenders.world import random_shop

shops = st.builds(random_shop, st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 30), st.integers(1, 9))


@given(shops)
def test_they_are_in_the_order_of_customer_and_product(shop: Interactions) -> None:
    cells = Cells.of(shop)
    order = np.lexsort((np.arange(len(shop.items)), shop.items, shop.customers))
    assert np.array_equal(cells.order, order)
    customers = np.repeat(np.arange(shop.customer_count), np.diff(cells.bounds))
    pairs, starts = np.unique(np.stack([shop.customers, shop.items])[:, order], axis=1, return_index=True)
    assert np.array_equal(np.stack([customers, cells.items]), pairs)
    assert np.array_equal(cells.starts, starts)


@given(shops, st.integers(2, 5))
def test_values_rise_within_a_cell_and_differ_by_their_whole_parts(shop: Interactions, kinds: int) -> None:
    cells, values = Cells.of(shop), np.random.default_rng(kinds).integers(0, 2 * kinds, len(shop.items)) / 2 - 1
    gathered, differ = cells.gathered(values), cells.differ(values)
    for cell, places in enumerate(np.split(cells.order, cells.starts[1:])):
        assert np.array_equal(np.split(gathered, cells.starts[1:])[cell], np.sort(values[places]))
        assert differ[cell] == (len(np.unique(np.floor(values[places]))) > 1)


def test_nobody_touched_anything() -> None:
    shop, nobody = random_shop(), np.empty(0, np.int32)
    silent = replace(shop, customers=nobody, items=nobody, days=np.empty(0), weights=np.empty(0), orders=None)
    cells = Cells.of(silent)
    assert not len(cells.items)
    assert cells.bounds.tolist() == [0] * (shop.customer_count + 1)
