from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.arrange import arrange
from serving.rules.candidates import Candidate
from serving.rules.columns import Columns
from serving.rules.page import Page
from serving.rules.rejected import VISIT, rejection
from serving.rules.rules import Rules
from tests.serving.rules.shop import DAY, page, shop

PRODUCTS = {
    id_: Product(product_id=id_, category=category, brand=brand, attributes={"colour": colour})
    for id_, category, brand, colour in [
        ("red1", "shirts", "X", "red"),
        ("red2", "shirts", "Y", "red"),
        ("blue1", "shirts", "X", "blue"),
        ("blue2", "shirts", "Y", "blue"),
        ("redshoe", "shoes", "X", "red"),
    ]
}
COLUMNS = Columns.build(np.array(sorted(PRODUCTS), object), PRODUCTS)


def against(*entries, day=DAY):
    """How much speaks against each product after entries (id, days ago, weight)."""
    ids, ago, weights = zip(*entries, strict=True)
    asked = Page(day, np.array(ids, object), day - np.array(ago), np.array(weights))
    codes = np.arange(len(COLUMNS.item_ids), dtype=np.int32)
    return dict(zip(COLUMNS.item_ids, rejection(asked, COLUMNS, codes), strict=True))


def test_the_traits_of_what_was_looked_at_and_left_speak_against_their_like_in_the_category():
    found = against(("red1", 1.0, 0.1))
    assert found["red1"] > found["red2"] == found["blue1"] > found["blue2"] == 0
    assert found["redshoe"] == 0


def test_what_is_being_looked_at_for_the_first_time_is_not_rejected_and_twice_is():
    assert not any(against(("red1", VISIT / 2, 0.1)).values())
    assert any(against(("red1", VISIT / 2, 0.1), ("red1", VISIT / 3, 0.1)).values())


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_what_was_added_or_bought_is_not_rejected_and_speaks_for_its_traits(weight):
    assert not any(against(("red1", 1.0, 0.1), ("red1", 0.9, weight)).values())
    both = against(("red1", 1.0, 0.1), ("red2", 0.9, weight))
    alone = against(("red1", 1.0, 0.1))
    assert both["red2"] == 0 < alone["red2"]
    assert both["blue1"] == alone["blue1"]


def test_the_more_of_a_trait_was_rejected_the_more_speaks_against_it():
    once, twice = against(("red1", 1.0, 0.1)), against(("red1", 1.0, 0.1), ("red2", 1.0, 0.1))
    assert twice["red2"] > once["red2"]
    assert twice["blue1"] < once["blue1"], "of two, only one was of brand X"


def test_variants_of_a_group_are_compared_across_categories():
    products = {
        "a": Product(product_id="a", group_id="g", category="s", price=Decimal(1), attributes={"colour": "red"}),
        "b": Product(product_id="b", group_id="g", category="t", price=Decimal(1), attributes={"colour": "red"}),
        "c": Product(product_id="c", group_id="h", category="t", price=Decimal(1), attributes={"colour": "red"}),
    }
    columns = Columns.build(np.array(list("abc"), object), products)
    asked = Page(DAY, np.array(["a"], object), np.array([DAY - 1]), np.array([0.1]))
    found = rejection(asked, columns, np.arange(3, dtype=np.int32))
    assert found[0] == found[1] > found[2] == 0


def test_a_return_visit_is_offered_other_traits_first():
    found = [Candidate("red2", 1.0, "item_item"), Candidate("blue2", 0.95, "item_item")]
    asked = Page(DAY, np.array(["red1"], object), np.array([DAY - 1]), np.array([0.1]), context_ids=("red1",))
    for avoid, order in ((False, ["red2", "blue2"]), (True, ["blue2", "red2"])):
        slots = arrange(Rules(avoid_rejected=avoid), asked, COLUMNS, found, 2)
        assert [slot.item_id for slot in slots] == order


@given(st.integers(0, 14), st.integers(0, 1_000))
def test_it_is_a_share_and_the_order_of_the_history_does_not_matter(number, seed):
    _, columns = shop(number)
    asked = page(seed, columns)
    codes = np.arange(len(columns.item_ids), dtype=np.int32)
    found = rejection(asked, columns, codes)
    assert ((found >= 0) & (found < 1)).all()
    turned = Page(DAY, asked.history_ids[::-1], asked.days[::-1], asked.weights[::-1])
    assert (rejection(turned, columns, codes) == found).all()
