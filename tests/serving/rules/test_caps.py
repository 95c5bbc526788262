import numpy as np

from features.catalog import Product
from serving.rules.caps import Caps, capped, roomy
from serving.rules.columns import Columns

PRODUCTS = {
    "a": Product(product_id="a", brand="X", category="pets/food/dry"),
    "b": Product(product_id="b", brand="X", category="pets/food"),
    "c": Product(product_id="c", brand="Y", category="pets/toys"),
    "d": Product(product_id="d"),
    "e": Product(product_id="e"),
}
COLUMNS = Columns.build(np.array(list(PRODUCTS), object), PRODUCTS)
ALL = np.arange(5, dtype=np.int32)


def test_a_value_closes_when_it_is_full_and_what_has_none_never_does():
    caps = Caps({"brand": 2}, COLUMNS, ALL)
    caps.take(0)
    assert caps.open.tolist() == [False, True, True, True, True]
    caps.take(3)
    assert caps.open.tolist() == [False, True, True, False, True]
    caps.take(1)
    assert caps.open.tolist() == [False, False, True, False, True]
    caps = Caps({"brand": 1}, COLUMNS, ALL)
    caps.take(0)
    assert caps.open.tolist() == [False, False, True, True, True]


def test_steps_of_a_category_are_capped_one_by_one():
    assert roomy({"category.1": 1}, COLUMNS, ALL[:1], ALL[1:]).tolist() == [False, False, True, True]
    assert roomy({"category.2": 1}, COLUMNS, ALL[:1], ALL[1:]).tolist() == [False, True, True, True]
    assert roomy({"category": 1}, COLUMNS, ALL[:1], ALL[1:]).tolist() == [True, True, True, True]
    assert (capped("category.3", COLUMNS)[1:] == -1).all()
    shallow = Columns.build(np.array(["a"], object), {"a": Product(product_id="a", category="pets")})
    assert capped("category.3", shallow).tolist() == [-1]


def test_a_column_that_the_catalogue_lacks_caps_nothing():
    assert roomy({"attributes.scent": 1}, COLUMNS, ALL[:2], ALL[2:]).all()
