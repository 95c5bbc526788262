import numpy as np

from features.catalog import Product
from models.catalogue import Catalogue
from serving.rules.columns import Columns
from serving.rules.periodic import periodic


def _periodic(rows):
    """Of rows (category, the shop's word, orders, repeat share)."""
    ids = np.array([f"p{place}" for place in range(len(rows))], object)
    products = {
        id_: Product(product_id=id_, category=category, periodic=word)
        for id_, (category, word, _, _) in zip(ids, rows, strict=True)
    }
    numbers = {
        "orders_365d": np.array([orders for _, _, orders, _ in rows], float),
        "repeat_share": np.array([share for _, _, _, share in rows], float),
    }
    return periodic(Columns.build(ids, products, Catalogue(1.0, ids, numbers=numbers))).tolist()


def test_the_shops_word_counts_and_else_what_people_did():
    assert _periodic([("tea", True, 100, 0.0), ("tea", False, 100, 0.9)]) == [True, False]
    assert _periodic([("tea", None, 100, 0.4), ("tyres", None, 100, 0.01)]) == [True, False]


def test_what_few_bought_is_judged_by_its_category():
    rows = [("tea", None, 500, 0.4), ("tea", None, 1, 0.0), ("tyres", None, 500, 0.01), ("tyres", None, 1, 1.0)]
    assert _periodic(rows) == [True, True, False, False]


def test_what_nobody_bought_in_a_category_that_nobody_buys_in_is_not_periodic():
    assert _periodic([("new", None, np.nan, np.nan), (None, None, 0, np.nan)]) == [False, False]
