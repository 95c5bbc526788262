"""Of how many customers and products something is known: what was sent back counts for neither."""

from pathlib import Path

from features.coverage import Known, known, sold
from tests.features.test_first_orders import order, seen


def test_customers_are_counted_by_the_days_on_which_they_bought_and_kept(tmp_path: Path) -> None:
    events = [
        *(order("ann", day, "tea") for day in (3, 10, 17)),
        *(order("bob", day, "cup") for day in (3, 4)),
        order("carl", 5, "pot", id_="back"),
        order("carl", 6, "pot", id_="back", kind="order_cancelled"),
        order("dora", 7, "jar", kind="product_viewed"),
    ]
    with seen(tmp_path, *events) as found:
        assert known(found) == Known(customers=4, buyers=2, repeat_buyers=2, periodic_pairs=1, days=15)
        assert sold(found) == {"tea", "cup"}


def test_a_shop_without_orders_has_none(tmp_path: Path) -> None:
    with seen(tmp_path, order("dora", 7, "jar", kind="product_viewed")) as found:
        assert known(found) == Known(customers=1, buyers=0, repeat_buyers=0, periodic_pairs=0, days=0)
        assert sold(found) == set()
