from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import Product
from models.catalogue import Catalogue
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.rows import MAX_ATTRIBUTES
from tests.serving.rules.shop import DAY, IDS, shop

TEXTS = ("title", "category", "brand", "group_id", "attributes.colour", "attributes.margin")


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.lists(st.sampled_from(list(IDS)), unique=True, max_size=10), st.integers(0, 30))
def test_changing_is_building_anew(seed, touched, first):
    before, old = shop(seed)
    other, _ = shop(seed + 1)
    fresh = [Product(product_id=f"new{code}", category="pets/new", price=Decimal(code)) for code in range(first % 3)]
    changed = [*(other[id_] for id_ in touched if id_ in other), *fresh]
    gone = [id_ for id_ in touched if id_ not in other]
    after = {**before, **{product.product_id: product for product in changed}}
    for id_ in gone:
        after.pop(id_, None)
    found = old.changed(changed, gone)
    ids = np.array(sorted({*IDS, *(product.product_id for product in fresh)}), object)
    catalogue = Catalogue(DAY, IDS, numbers={"since": old.number("since")})
    _alike(found, Columns.build(ids, after, catalogue))
    _alike(old, Columns.build(IDS, before, catalogue))


def _alike(found, expected):
    assert found.item_ids.tolist() == expected.item_ids.tolist()
    for name in TEXTS:
        assert _values(found, name) == _values(expected, name), name
    for name in ("price", "since"):
        assert np.array_equal(found.number(name), expected.number(name), equal_nan=True)
    for name in ("sold", "in_stock", "periodic", "counted"):
        assert (getattr(found, name) == getattr(expected, name)).all(), name
    for location in {*found.stock, *expected.stock}:
        nowhere = np.zeros(len(found.item_ids), bool)
        assert (found.stock.get(location, nowhere) == expected.stock.get(location, nowhere)).all(), location
    assert np.array_equal(found.price_rank, expected.price_rank, equal_nan=True)
    assert found.codes(list(found.item_ids)).tolist() == list(range(len(found.item_ids)))


def _values(columns, name):
    text = columns.text(name)
    return text.levels.values[text.codes].tolist()


def test_a_shop_that_told_nothing_sells_what_the_model_knows_and_one_that_told_sells_that_alone():
    assert Columns.build(IDS, None).sold.all()
    assert Columns.build(IDS, None).in_stock.all()
    assert not Columns.build(IDS, {}).sold.any()
    told = Columns.build(IDS, {IDS[4]: Product(product_id=IDS[4]), "elsewhere": Product(product_id="elsewhere")})
    assert np.flatnonzero(told.sold).tolist() == [4]


def test_what_is_gone_is_not_sold_and_a_filter_forgets_it():
    columns = Columns.build(IDS, {id_: Product(product_id=id_, brand="X") for id_ in IDS})
    assert mask(columns, "brand == 'X'").all()
    left = columns.changed([], gone=[IDS[2]])
    assert not left.sold[2]
    assert np.flatnonzero(~mask(left, "brand == 'X'")).tolist() == [2]
    assert mask(columns, "brand == 'X'").all()


def test_a_new_product_knows_since_when_it_is_sold():
    columns = Columns.build(IDS, {}).changed([Product(product_id="new")], since={"new": DAY})
    assert columns.number("since")[columns.codes(["new"])[0]] == DAY
    assert np.isnan(columns.number("since")).sum() == len(IDS)


def test_the_features_of_products_are_columns():
    features = Catalogue(DAY, IDS[:3], numbers={"orders_7d": np.array([1.0, 2.0, 3.0])})
    columns = Columns.build(IDS, {}, features)
    assert np.flatnonzero(mask(columns, "orders_7d >= 2")).tolist() == [1, 2]


def test_the_model_may_know_more_products_but_not_fewer():
    columns = Columns.build(IDS[:5], {})
    assert columns.changed([], item_ids=IDS).item_ids is IDS
    assert columns.changed([Product(product_id="aaa")], item_ids=IDS).codes(["aaa"]).tolist() == [-1]
    with pytest.raises(ValueError, match="must hold every product"):
        columns.changed([], item_ids=IDS[1:20])


def test_only_the_attributes_that_most_products_have_are_columns():
    many = {f"a{code:03d}": "x" for code in range(MAX_ATTRIBUTES + 20)}
    products = {IDS[0]: Product(product_id=IDS[0], attributes=many)}
    products |= {IDS[1]: Product(product_id=IDS[1], attributes={"a119": "y"})}
    columns = Columns.build(IDS, products)
    assert len(columns.attributes) == MAX_ATTRIBUTES
    assert "attributes.a119" in columns.attributes


def test_prices_rank_within_the_first_step_of_the_category():
    products = {
        IDS[0]: Product(product_id=IDS[0], category="tea/green", price=Decimal(2)),
        IDS[1]: Product(product_id=IDS[1], category="tea/black", price=Decimal(4)),
        IDS[2]: Product(product_id=IDS[2], category="television", price=Decimal(900)),
        IDS[3]: Product(product_id=IDS[3], category="television"),
    }
    ranks = Columns.build(IDS[:4], products).price_rank
    assert ranks[:3].tolist() == [0.25, 0.75, 0.5]
    assert np.isnan(ranks[3])
