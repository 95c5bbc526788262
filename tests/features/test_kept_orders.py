"""What an order came to: by prices where they are known, less what was returned, each order once."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from features.events import Event, Line
from features.kept_orders import kept_orders
from tests.features.person import at, event


def line(product: str, price: str | None = "2.50", quantity: float = 1.0) -> Line:
    return Line(product_id=product, quantity=quantity, price=None if price is None else Decimal(price))


def ordered(minutes: float, *lines: Line, order: str | None = "o1", **said: object) -> Event:
    return event("order_completed", minutes, *lines, order_id=order, **said)


def test_prices_count_before_the_discount_whatever_the_total_says() -> None:
    (order,) = kept_orders([ordered(5, line("tea", quantity=3), discount=Decimal(1), total=Decimal(999))])
    assert (order.value, order.discount, order.at, order.order_id) == (Decimal("7.50"), Decimal(1), at(5), "o1")


def test_weighed_goods_are_rounded_to_the_places_of_prices() -> None:
    (order,) = kept_orders([ordered(5, line("cheese", "19.99", 0.333))])
    assert order.value == Decimal("6.6567")


def test_a_refund_that_is_told_before_its_order_takes_out_of_it_too() -> None:
    refund = event("order_refunded", 9, "tea", order_id="o1")
    both = [refund, ordered(5, line("tea"), line("cup", "4.00"))]
    assert [order.value for order in kept_orders(both)] == [Decimal("4.00")]
    assert kept_orders([ordered(5, line("tea")), refund]) == []


def test_orders_without_an_id_are_apart() -> None:
    twice = [ordered(5, line("tea"), order=None), ordered(6, line("cup"), order=None, id="other")]
    assert [order.at for order in kept_orders(twice)] == [at(5), at(6)]


def test_a_discount_below_nothing_is_none() -> None:
    (order,) = kept_orders([ordered(5, line("tea"), discount=Decimal(-3))])
    assert order.discount == 0


def test_the_dearest_order_that_an_event_may_hold_has_a_value() -> None:
    dear = [line(f"p{number}", "99999999999999.9999", 1e9) for number in range(1_000)]
    (order,) = kept_orders([ordered(5, *dear)])
    assert order.value > Decimal(10) ** 25


LINES = st.lists(
    st.builds(line, st.sampled_from("abc"), st.sampled_from(["1.00", "2.5", None]), st.sampled_from([1.0, 2.0, 0.5])),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.product_id,
)
ORDERS = st.lists(st.tuples(st.integers(0, 3), LINES), max_size=5)


@given(ORDERS, st.sampled_from("abc"))
def test_returning_something_never_makes_an_order_worth_more(told: list[tuple[int, list[Line]]], gone: str) -> None:
    events = [
        ordered(minutes, *lines, order=f"o{place % 2}", id=str(place)) for place, (minutes, lines) in enumerate(told)
    ]
    before = {order.order_id: order.value for order in kept_orders(events)}
    refund = event("order_refunded", 99, gone, order_id="o0")
    after = {order.order_id: order.value for order in kept_orders([*events, refund])}
    assert after.get("o1") == before.get("o1")
    assert after.get("o0", Decimal(0)) <= before.get("o0", Decimal(0))
