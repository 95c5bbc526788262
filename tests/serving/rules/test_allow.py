from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.allow import allow
from serving.rules.columns import Columns
from serving.rules.page import Page
from serving.rules.rules import Rules
from serving.rules.syntax import FilterError
from tests.serving.rules.shop import DAY, IDS, page, shop

SHOPS = [shop(seed) for seed in range(15)]
rules = st.builds(
    Rules,
    filter=st.sampled_from([None, "price < 9", "!(brand in ['X'])"]),
    in_stock=st.booleans(),
    exclude_purchased=st.booleans(),
    exclude_in_cart=st.booleans(),
    exclude_viewed=st.booleans(),
    exclude_context=st.booleans(),
    price_band=st.sampled_from([None, 1.0, 1.5]),
)
given_page = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "pets", "pets/food", "nowhere"]),
        "location_id": st.sampled_from([None, "msk", "nowhere"]),
        "filter": st.sampled_from([None, "periodic != true"]),
    }
)


@settings(max_examples=80)
@given(rules, st.integers(0, 14), st.integers(0, 1_000), given_page)
def test_nothing_forbidden_is_allowed_and_nothing_else_is_forbidden(rules, seed, visitor, where):
    products, columns = SHOPS[seed]
    asked = page(visitor, columns, **where)
    band = allow(
        Rules(in_stock=False, exclude_in_cart=False, exclude_context=False, price_band=rules.price_band),
        replace(asked, excluded_ids=(), category=None, location_id=None, filter=None),
        columns,
    )
    entries = list(zip(asked.history_ids, asked.weights, strict=True))
    expected = []
    for code, id_ in enumerate(IDS):
        product, mine = products.get(id_), [weight for other, weight in entries if other == id_]
        expected.append(
            product is not None
            and (product.in_stock or not rules.in_stock)
            and not (
                rules.in_stock and asked.location_id and product.stock and not product.stock.get(asked.location_id, 0)
            )
            and not (rules.filter == "price < 9" and not (product.price is not None and product.price < 9))
            and not (rules.filter and "brand" in rules.filter and product.brand == "X")
            and not (asked.filter and product.periodic is True)
            and (asked.category is None or f"{product.category or ''}/".startswith(f"{asked.category}/"))
            and id_ not in asked.excluded_ids
            and not (rules.exclude_in_cart and id_ in asked.cart_ids)
            and not (rules.exclude_context and id_ in asked.context_ids)
            and not (rules.exclude_viewed and mine and max(mine) < 0.3)
            and not (rules.exclude_purchased and mine and max(mine) >= 1 and product.periodic is False)
            and bool(band[code])
        )
    found = allow(rules, asked, columns)
    told = np.array([bool(product and product.periodic is not None) for product in map(products.get, IDS)])
    compared = told if rules.exclude_purchased else np.ones(len(IDS), bool)
    assert (found[compared] == np.array(expected)[compared]).all()


def test_what_is_not_bought_again_is_not_shown_again_and_the_shop_knows_best():
    products = {
        id_: Product(product_id=id_, periodic=flag) for id_, flag in zip("abc", (True, False, None), strict=True)
    }
    columns = Columns.build(np.array(list("abc"), object), products)
    asked = Page(DAY, np.array(list("abc"), object), np.full(3, DAY - 1), np.ones(3))
    assert allow(Rules(), asked, columns).all()
    assert allow(Rules(exclude_purchased=True), asked, columns).tolist() == [True, False, False]


def test_a_vanished_product_is_never_shown_whatever_the_rules():
    columns = Columns.build(np.array(["a", "b"], object), {"a": Product(product_id="a", in_stock=False)})
    assert allow(Rules(in_stock=False), Page(DAY), columns).tolist() == [True, False]
    assert not allow(Rules(), Page(DAY), columns).any()


def test_what_all_have_in_common_cannot_be_written_to():
    _, columns = shop(1)
    assert allow(Rules(), Page(DAY), columns) is allow(Rules(), Page(DAY, history_ids=IDS[:2]), columns)
    with pytest.raises(ValueError, match="read-only"):
        allow(Rules(), Page(DAY), columns)[:] = False
    assert allow(Rules(), Page(DAY), columns).any()


def test_the_filter_of_the_page_is_judged_strictly_that_of_the_rules_is_not():
    _, columns = shop(1)
    assert not allow(Rules(filter="attributes.scent == 'rose'"), Page(DAY), columns).any()
    with pytest.raises(FilterError) as error:
        allow(Rules(), Page(DAY, filter="attributes.scent == 'rose'"), columns)
    assert error.value.position == 1
