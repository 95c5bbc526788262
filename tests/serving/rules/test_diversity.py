from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.arrange import arrange
from serving.rules.candidates import Candidate
from serving.rules.columns import Columns
from serving.rules.diversity import Diversity, Traits
from serving.rules.page import Page
from serving.rules.rules import Rules
from tests.serving.rules.shop import DAY, shop

SHOPS = [shop(seed) for seed in range(15)]


def test_likeness_is_made_of_category_brand_and_price():
    products = {
        "a": Product(product_id="a", category="pets/food", brand="X", price=Decimal(1)),
        "b": Product(product_id="b", category="pets/food", brand="X", price=Decimal(1)),
        "c": Product(product_id="c", category="pets/toys", brand="Y", price=Decimal(9)),
        "d": Product(product_id="d", category="tea", brand="X", price=Decimal(1)),
        "e": Product(product_id="e", category="pets/toys", group_id="g"),
        "f": Product(product_id="f", category="tea", group_id="g"),
        "g": Product(product_id="g"),
    }
    columns = Columns.build(np.array(list(products), object), products)
    traits = Traits(columns, np.arange(7, dtype=np.int32))
    np.testing.assert_allclose(traits.likeness(0), [1.0, 1.0, 0.25 + 0.2 * 0.5, 0.3, 0.25, 0.0, 0.0])
    np.testing.assert_allclose(traits.likeness(4)[[4, 5]], 1.0)
    assert not traits.likeness(6)[:6].any(), "of what nothing is known is like nothing"


@given(st.integers(0, 14), st.integers(0, 1_000), st.integers(1, 15))
def test_each_step_is_that_of_a_naive_loop(number, seed, count):
    _, columns = SHOPS[number]
    rng = np.random.default_rng(seed)
    codes = rng.permutation(len(columns.item_ids))[:count].astype(np.int32)
    weight, relevance = float(rng.random()), rng.random(count)
    diversity, traits = Diversity(weight, relevance, columns, codes), Traits(columns, codes)
    taken: list[int] = []
    for _ in range(min(count, 5)):
        for index in range(count):
            nearest = max((traits.likeness(other)[index] for other in taken), default=0.0)
            expected = (1 - weight) * relevance[index] / relevance.max() - weight * nearest
            np.testing.assert_allclose(diversity.gain[index], expected, atol=1e-12)
        taken.append(int(rng.integers(count)))
        diversity.take(taken[-1])


def test_the_second_of_a_kind_gives_way_to_what_is_other():
    products = {
        id_: Product(product_id=id_, brand=brand, category="tea") for id_, brand in zip("abc", "XXY", strict=True)
    }
    columns = Columns.build(np.array(list("abc"), object), products)
    found = [Candidate("a", 1.0, "als"), Candidate("b", 0.95, "als"), Candidate("c", 0.9, "als")]
    for weight, order in ((0.0, "abc"), (0.5, "acb")):
        slots = arrange(Rules(diversity=weight), Page(DAY), columns, found, 3)
        assert "".join(slot.item_id for slot in slots) == order
