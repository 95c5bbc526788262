"""Who entered when, in which group, and what they bought before and since."""

from datetime import timedelta
from decimal import Decimal

import pytest

from features.events import Line
from tests.training.policy.planted import POINT, START, TERMS, Planted, hours
from training.reports.entrants import Entrants, entrants

LATER = START + timedelta(days=20)


def entered(shop: Planted, as_of: object = LATER, **more: float) -> Entrants:
    return entrants(shop.logs, POINT, as_of, **more)  # type: ignore[arg-type]


def test_orders_count_from_the_first_decision_on_for_so_many_days_whatever_was_sent() -> None:
    shop = Planted()
    shop.decided("d1", "ann", START, send=False, arm="holdout", learnable=False)
    shop.decided("d2", "ann", START + hours(200), send=False, arm="holdout", learnable=False, trigger="other")
    for at, value in ((-91 * 24, "1"), (-89 * 24, "2"), (-1, "4"), (0, "8"), (13 * 24, "16"), (14 * 24, "32")):
        shop.ordered("ann", START + hours(at), value)
    found = entered(shop)
    assert (found.customer_ids.tolist(), found.arms.tolist()) == (["ann"], ["holdout"])
    assert (found.orders[0], found.revenue[0]) == (2, 24)
    assert (found.past_orders[0], found.past_revenue[0]) == (2, 6)
    assert found.decisions == 2
    assert found.mature.tolist() == [True]


def test_customers_come_in_the_order_of_their_entry_and_the_newest_are_not_mature() -> None:
    shop = Planted()
    for number in (3, 1, 2, 0):
        shop.decided(f"d{number}", f"c{number}", START + hours(48 * number), arm="random" if number % 2 else "policy")
    found = entered(shop, START + hours(14 * 24 + 60))
    assert found.customer_ids.tolist() == ["c0", "c1", "c2", "c3"]
    assert found.mature.tolist() == [True, True, False, False]


def test_what_is_returned_and_given_away_is_not_revenue_and_what_comes_later_is_not_known() -> None:
    shop = Planted()
    shop.decided("d", "ann")
    shop.ordered("ann", START + hours(1), "10", discount="3", key="kept")
    shop.ordered("ann", START + hours(2), "20", key="returned")
    shop.happened("order_refunded", "ann", START + hours(30), order_id="returned")
    assert entered(shop).revenue.tolist() == [7]
    assert entered(shop, START + hours(3)).revenue.tolist() == [27]
    assert entered(shop, START + hours(1)).orders.tolist() == [1]


def test_another_currency_counts_as_an_order_and_not_as_money() -> None:
    shop = Planted()
    shop.decided("d", "ann")
    shop.ordered("ann", START + hours(1), "10")
    line = Line(product_id="p", quantity=1, price=Decimal(9))
    shop.happened("order_completed", "ann", START + hours(2), order_id="x", currency="JPY", lines=(line,))
    found = entered(shop)
    assert (found.orders[0], found.revenue[0], found.foreign_orders, found.currency) == (2, 10, 1, "EUR")


def test_a_visitor_who_logs_in_is_one_customer_who_keeps_the_first_group() -> None:
    shop = Planted()
    shop.decided("d1", "device", START, anonymous=True, arm="policy")
    shop.happened("identified", "ann", START + hours(1), anonymous_id="device")
    shop.decided("d2", "ann", START + hours(2), arm="holdout", learnable=False)
    shop.ordered("ann", START + hours(3), "10")
    found = entered(shop)
    assert (found.customer_ids.tolist(), found.arms.tolist(), found.revenue.tolist()) == (["ann"], ["policy"], [10])


@pytest.mark.parametrize(
    ("more", "who"), [({"decision_point": "browse"}, 1), ({"mode": "off"}, 1), ({"mode": "online"}, 2)]
)
def test_other_points_and_those_that_were_off_bring_nobody_in(more: dict[str, str], who: int) -> None:
    shop = Planted()
    shop.decided("d1", "ann")
    shop.decided("d2", "bob", **more)
    assert len(entered(shop)) == who


def test_nobody_entered_an_empty_shop() -> None:
    found = entered(Planted())
    assert (len(found), found.currency, found.decisions, len(found.mature)) == (0, None, 0, 0)
    assert TERMS.currency == "EUR"
