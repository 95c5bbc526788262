from serving.rules.check import check
from serving.rules.rules import Boost, Pin, Promoted, Rules
from tests.serving.rules.shop import shop


def test_what_the_catalogue_lacks_is_told_with_the_rule():
    _, columns = shop(1)
    rules = Rules(
        filter="attributes.scent == 'rose'",
        boost=(Boost("brand == 'X'", 2), Boost("brand > 3", 2)),
        pin=(Pin(1, filter="colour == 'red'"), Pin(2, item_id="unknown")),
        promoted=Promoted("orders_7d > 3", 0.1),
        caps={"attributes.scent": 2, "attributes.colour": 2, "brand": 2},
    )
    found = check(rules, columns)
    assert [problem.split(":")[0] for problem in found] == [
        "filter",
        "promoted.filter",
        "boost.1.filter",
        "pin.0.filter",
        "caps.attributes.scent",
    ]
    assert "filter: at 1: there is no column attributes.scent; there are attributes.colour" in found[0]
    assert found[-1].endswith("there are attributes.colour, attributes.margin")
    assert check(Rules(filter="price < 3"), columns) == []
