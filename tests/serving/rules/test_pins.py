import numpy as np

from features.catalog import Product
from models.catalogue import Catalogue
from serving.rules.columns import Columns
from serving.rules.pins import pinned, popular
from serving.rules.rules import Pin, Rules

IDS = np.array(list("abcd"), object)
COLUMNS = Columns.build(
    IDS,
    {id_: Product(product_id=id_, brand=brand) for id_, brand in zip(IDS, "XXYY", strict=True)},
    Catalogue(1.0, IDS, numbers={"popularity_30d": np.array([np.nan, 3.0, 1.0, 2.0])}),
)
ALL, NONE = np.ones(4, bool), np.empty(0, np.int32)


def test_earlier_positions_choose_first_and_nobody_stands_twice():
    rules = Rules(pin=(Pin(4, item_id="b"), Pin(2, filter="brand == 'X'"), Pin(3, filter="brand == 'X'")))
    assert pinned(rules, COLUMNS, NONE, ALL, 4) == {2: 1, 3: 0}
    assert pinned(rules, COLUMNS, np.array([0], np.int32), ALL, 4) == {2: 0, 3: 1}


def test_what_may_not_stand_or_has_no_room_is_not_pinned():
    rules = Rules(pin=(Pin(1, item_id="a"), Pin(2, item_id="b"), Pin(3, item_id="unknown"), Pin(9, item_id="c")))
    assert pinned(rules, COLUMNS, NONE, np.array([False, True, True, True]), 4) == {2: 1}
    capped = Rules(pin=rules.pin, caps={"brand": 1})
    assert pinned(capped, COLUMNS, NONE, ALL, 4) == {1: 0}
    by_filter = Rules(pin=(Pin(1, item_id="a"), Pin(2, filter="brand != null")), caps={"brand": 1})
    assert pinned(by_filter, COLUMNS, NONE, ALL, 4) == {1: 0, 2: 3}


def test_popular_is_what_most_want_and_ties_go_by_id():
    assert popular(COLUMNS, 3, ALL).tolist() == [1, 3, 2]
    assert popular(Columns.build(IDS, None), 2, ALL).tolist() == [0, 1]
