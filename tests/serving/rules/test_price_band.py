from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.columns import Columns
from serving.rules.price_band import FEWEST, price_band
from tests.serving.rules.shop import shop

SHOPS = [shop(seed) for seed in range(15)]


@settings(max_examples=50)
@given(st.integers(0, 14), st.lists(st.integers(0, 29), max_size=25), st.sampled_from([1.0, 1.3, 4.0]))
def test_the_band_is_that_of_asking_each_product(number, history, factor):
    products, columns = SHOPS[number]
    found = price_band(columns, np.array(history, np.int32), factor)
    described = [products.get(id_) for id_ in columns.item_ids]
    entries = [described[code] for code in history if described[code] and described[code].price is not None]
    if len(entries) < FEWEST:
        assert found is None
        return
    ranks = columns.price_rank
    own = [ranks[code] for code in history if described[code] and described[code].price is not None]
    slack = np.quantile(own, [0.1, 0.9]) + np.array([-1, 1]) * (1 - 1 / factor)
    for code, product in enumerate(described):
        if product is None or product.price is None:
            assert found[code]
            continue
        steps = (product.category or "").split("/") if product.category else []
        band = None
        for depth in range(len(steps), 0, -1):
            there = [
                float(other.price)
                for other in entries
                if other.category and other.category.split("/")[:depth] == steps[:depth]
            ]
            if len(there) >= FEWEST:
                band = np.quantile(there, [0.1, 0.9])
                break
        value, low, high = ranks[code], *slack
        if band is not None:
            value, low, high = float(product.price), band[0] / factor, band[1] * factor
        if not np.isclose(value, [low, high]).any():
            assert found[code] == (low <= value <= high)


def test_whoever_buys_the_cheaper_half_of_tea_is_offered_the_cheaper_half_of_televisions():
    products = {}
    for place in range(10):
        products |= {f"tea{place}": _priced(f"tea{place}", "tea", 1 + place)}
        products |= {f"tv{place}": _priced(f"tv{place}", "tv", 100 * (1 + place))}
    columns = Columns.build(np.array(sorted(products), object), products)
    history = columns.codes(["tea0", "tea1", "tea2", "tea3"])
    allowed = set(columns.item_ids[price_band(columns, history, 1.2)])
    assert {"tv0", "tv1", "tv2", "tv3"} <= allowed
    assert not allowed & {"tv7", "tv8", "tv9", "tea7", "tea8", "tea9"}


def _priced(id_, category, price):
    return Product(product_id=id_, category=category, price=Decimal(price))
