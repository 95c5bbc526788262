"""Facts of products, against small shops where they are known."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions
from models.recommenders.product_facts import FACTS, ProductFacts
from tests.models.recommenders.world import UNTIL, of_lines, random_shop, reordered


def shop(lines: list[tuple[int, int, float]]) -> Interactions:
    """Lines of (customer, product, days ago) of the products a, b, c."""
    customers = max(customer for customer, _, _ in lines) + 1
    bought = [(customer, item, UNTIL - ago) for customer, item, ago in lines]
    return of_lines(bought, np.array(["a", "b", "c"], object), customers)


def column(facts: ProductFacts, name: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return facts.own[:, FACTS.index(name)]


def test_what_sells_lately_and_what_is_bought_again_show() -> None:
    again = [(customer, 0, age) for customer in range(30) for age in (70.0, 60.0, 50.0, 40.0)]
    once = [(customer, 1, 70.0 - customer) for customer in range(30)]
    lately = [(customer, 2, 0.5) for customer in range(30)]
    facts = ProductFacts.of(shop([*again, *once, *lately]))
    assert column(facts, "sales_7d").argmax() == 2
    assert column(facts, "first_sales_14d").argmax() == 2
    assert column(facts, "again_28d").argmax() == 0
    assert column(facts, "loyalty").argmax() == 0
    assert np.exp(column(facts, "repeat_interval")[0]) == pytest.approx(10, rel=0.1)
    assert column(facts, "buyers") == pytest.approx(np.log1p([30, 30, 30]))
    assert column(facts, "first_share")[0] < column(facts, "first_share")[2]


def test_several_touches_on_a_day_are_one_visit() -> None:
    once = [(0, 0, 50.2), (0, 0, 20.2), (1, 1, 40.0), (1, 2, 3.0)]
    facts, twice = ProductFacts.of(shop(once)), ProductFacts.of(shop([*once, (0, 0, 50.1), (0, 0, 20.1)]))
    for name in ("first_sales_14d", "first_share", "buyers", "again_28d", "repeat_interval"):
        assert np.array_equal(column(facts, name), column(twice, name)), name


def test_neither_order_nor_names_of_customers_show() -> None:
    data = random_shop()
    order = np.random.default_rng(1).permutation(len(data.items))
    renamed = replace(
        data,
        customers=np.random.default_rng(2).permutation(data.customer_count).astype(np.int32)[data.customers],
    )
    for name, array in ProductFacts.of(data).arrays().items():
        for other in (reordered(data, order), renamed):
            assert np.array_equal(array, ProductFacts.of(other).arrays()[name]), name


def test_offer_is_the_latest_price_over_the_usual_one() -> None:
    numbers = {"price_last": np.array([1.0, 2.0, np.nan]), "price_mean": np.array([2.0, 2.0, 5.0])}
    data = replace(shop([(0, 0, 1.0)]), catalogue=Catalogue(UNTIL, np.array(["a", "b", "c"], object), numbers=numbers))
    offer = column(ProductFacts.of(data), "offer")
    assert offer[:2] == pytest.approx([np.log(0.5), 0.0])
    assert np.isneginf(offer[2])


def test_categories_on_two_levels_and_a_products_part_in_them() -> None:
    paths = np.array(["food/tea", "food/tea", "food/coffee"], object)
    ids = np.array(["a", "b", "c"], object)
    data = shop([(0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0), (3, 1, 1.0), (4, 2, 1.0)])
    facts = ProductFacts.of(replace(data, catalogue=Catalogue(UNTIL, ids, {"category": paths})))
    leaf, branch = facts.categories
    assert leaf[0] == leaf[1] != leaf[2]
    assert len(set(branch.tolist())) == 1
    assert np.exp(facts.share[0]) == pytest.approx([0.75, 0.25, 1.0], rel=0.01)
    assert (ProductFacts.of(data).categories == -1).all()


def test_a_product_that_came_later_has_no_facts() -> None:
    facts = ProductFacts.of(shop([(0, 0, 1.0), (1, 2, 3.0)]))
    ids = np.array(["a", "b", "c"], object)
    wide = facts.extended(ids, Catalogue(UNTIL, np.array(["aa"], object)))
    assert np.isneginf(wide.own[1]).all()
    assert wide.categories[:, 1].tolist() == [-1, -1]
    assert np.array_equal(wide.own[[0, 2, 3]], facts.own)
