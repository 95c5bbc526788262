import re
import tomllib
from dataclasses import replace

import pytest

from serving.rules.rules import Boost, Explore, Pin, Promoted, Rotation, Rules

TOML = """
filter = "price < 3000 && in_stock"
price_band = 1.5
min_relevance = "low"
diversity = 0.3
avoid_rejected = true
caps = { brand = 2, "category.1" = 4, "attributes.colour" = 3 }
boost = [{ filter = "brand == 'X'", factor = 2 }]
pin = [{ position = 1, item_id = "tea" }, { position = 3, filter = "brand == 'X'" }]
promoted = { filter = "attributes.margin > 0.4", share = 0.2 }
rotation = { rate = 0.1, hours = 48 }
explore = { share = 0.1, max_age_days = 14 }
"""


def test_rules_come_from_a_table():
    found = Rules.of(tomllib.loads(TOML))
    assert found.boost == (Boost("brand == 'X'", 2.0),)
    assert found.pin == (Pin(1, item_id="tea"), Pin(3, filter="brand == 'X'"))
    assert found.promoted == Promoted("attributes.margin > 0.4", 0.2)
    assert found.rotation == Rotation(0.1, 48.0)
    assert found.explore == Explore(0.1, 14.0)
    assert found.caps == {"brand": 2, "category.1": 4, "attributes.colour": 3}
    assert found.in_stock
    assert Rules.of({}) == Rules()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"fliter": "price < 3"}, "fliter: there is no such rule"),
        ({"filter": "price <"}, "the filter does not parse at 8: expected a column"),
        ({"diversity": 2}, "diversity: Input should be less than or equal to 1"),
        ({"min_relevance": "huge"}, "min_relevance: Input should be 'low', 'medium' or 'high'"),
        ({"caps": {"brand": 0}}, "caps.brand: Input should be greater than or equal to 1"),
        ({"caps": {"price": 2}}, "caps: price cannot be capped; cap brand"),
        ({"caps": {"attributes.": 2}}, "attributes. cannot be capped"),
        ({"price_band": 0.5}, "price_band: Input should be greater than or equal to 1"),
        ({"boost": [{"filter": "price < 3", "factor": -1}]}, "boost.0.factor: Input should be greater than 0"),
        ({"boost": [{"filter": "((", "factor": 1}]}, "boost.0: the filter does not parse at 3"),
        ({"pin": [{"position": 1}]}, "pin.0: a pin names either an item_id or a filter"),
        ({"pin": [{"position": 1, "item_id": "a", "filter": "true"}]}, "a pin names either"),
        ({"pin": [{"position": 0, "item_id": "a"}]}, "pin.0.position: Input should be greater than or equal to 1"),
        (
            {"pin": [{"position": 1, "item_id": "a"}, {"position": 1, "item_id": "b"}]},
            "pin: two pins have one position",
        ),
        ({"promoted": {"filter": "true", "share": 2}}, "promoted.share: Input should be less than or equal to 1"),
        ({"rotation": {"rate": 0.1, "hours": 0}}, "rotation.hours"),
        ({"explore": {"share": 0.1, "max_age": 3}}, "explore.max_age: there is no such rule"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(table, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Rules.of(table)


def test_every_wrong_entry_is_told_at_once():
    with pytest.raises(ValueError, match=r"diversity: .*; explore.share: "):
        Rules.of({"diversity": 2, "explore": {"share": 3}})


def test_a_request_may_change_one_rule_and_is_checked_too():
    assert replace(Rules(caps={"brand": 1}), diversity=0.5).caps == {"brand": 1}
    with pytest.raises(ValueError, match="diversity"):
        replace(Rules(), diversity=3)
