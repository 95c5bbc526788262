"""Products as columns: every source of knowledge at the right product, nothing where nothing is known."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from features.assortment import MOST_ATTRIBUTES, described
from features.catalog import Product
from features.snapshots import ProductFeatures

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
TODAY = (AS_OF - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)
FEATURES = ProductFeatures(
    product_ids=np.array(["b", "d"], object),
    columns={"buyers_30d": np.array([7, 1]), "first_seen_days": np.array([30.0, np.nan])},
    as_of=AS_OF,
)
PRODUCTS = [
    Product(product_id="c", price=Decimal("4.90"), periodic=False, attributes={"colour": "red"}),
    Product(product_id="b", title="Bread", category="food/bread", brand="B", group_id="g", in_stock=False),
]


def test_columns_are_sorted_and_hold_what_either_side_knows() -> None:
    found = described(PRODUCTS, {}, FEATURES)
    assert found.item_ids.tolist() == ["b", "c", "d"]
    assert {name: column.tolist() for name, column in found.texts.items()} == {
        "title": ["Bread", None, None],
        "category": ["food/bread", None, None],
        "brand": ["B", None, None],
        "group_id": ["g", None, None],
        "colour": [None, "red", None],
    }
    expected = {
        "price": [np.nan, 4.9, np.nan],
        "in_stock": [0, 1, np.nan],
        "periodic": [np.nan, 0, np.nan],
        "buyers_30d": [7, np.nan, 1],
        "since": [TODAY - 30, np.nan, np.nan],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found.numbers[name], values, err_msg=name)


def test_a_product_is_sold_since_the_earlier_of_its_row_and_its_first_event() -> None:
    added = {"b": AS_OF - timedelta(days=2), "c": AS_OF - timedelta(days=3)}
    assert described(PRODUCTS, added, None).numbers["since"].tolist() == [TODAY - 2, TODAY - 3]
    assert described(PRODUCTS, added, FEATURES).numbers["since"].tolist()[:2] == [TODAY - 30, TODAY - 3]


def test_nothing_is_known_of_nothing() -> None:
    found = described([], {}, None)
    assert len(found.item_ids) == 0
    assert all(len(column) == 0 for column in (*found.texts.values(), *found.numbers.values()))


def test_a_flood_of_attributes_keeps_those_that_most_products_have() -> None:
    rare = [
        Product(product_id=f"p{n}", attributes={f"own {n}": "x", "colour": "red", "title": "no"}) for n in range(99)
    ]
    texts = described(rare, {}, None).texts
    assert len(texts) == 4 + MOST_ATTRIBUTES
    assert texts["colour"].tolist() == ["red"] * 99
    assert set(texts["title"]) == {None}
