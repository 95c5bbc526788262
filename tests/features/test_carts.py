"""Carts: what each event does to one, that late, repeated and merged events are as if they had come in time."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.cart_kinds import BROWSE, CART, CART_EVENTS, KINDS, WISHLIST, Kind
from features.carts import IDLE, TTL, Cart, carts_of, grown_older, telling
from features.events import EVENT_TYPES, Event, Line
from features.log import from_record, to_record
from tests.features.person import at, event

HOUR = int(IDLE.total_seconds() / 60)
WEEK = int(TTL.total_seconds() / 60)


def added(minutes: float, *products: Any, **said: Any) -> Event:
    return event("product_added", minutes, *products, **said)


def removed(minutes: float, *products: Any, **said: Any) -> Event:
    return event("product_removed", minutes, *products, **said)


def ordered(minutes: float, *products: Any, **said: Any) -> Event:
    return event("order_completed", minutes, *products, **({"order_id": f"o{minutes}"} | said))


def the_cart(minutes: float, *events: Event, **options: Any) -> Cart:
    """The latest cart, open or closed."""
    return carts_of(events, at(minutes), **options)[-1]


def states(minutes: float, *events: Event, kind: Kind = CART) -> list[str]:
    return [cart.state for cart in carts_of(events, at(minutes), kind=kind)]


def quantities(cart: Cart) -> dict[str, float]:
    return {line.product_id: line.quantity for line in cart.lines}


def test_a_cart_is_active_then_abandoned_then_expired() -> None:
    events = [added(0, "tea"), added(10, "milk")]
    assert states(-1, *events) == []
    assert the_cart(5, *events).item_ids == ("tea",)
    assert the_cart(10 + HOUR - 1, *events).state == "active"
    left = the_cart(10 + HOUR, *events)
    assert (left.state, left.abandoned_at, left.item_ids) == ("abandoned", at(10 + HOUR), ("tea", "milk"))
    assert the_cart(10 + HOUR + WEEK - 1, *events).state == "abandoned"
    gone = the_cart(10 + HOUR + WEEK, *events)
    assert (gone.state, gone.closed_at, gone.open) == ("expired", at(10 + HOUR + WEEK), False)


def test_a_cart_rests_while_its_owner_looks_around_and_is_abandoned_when_they_are_gone() -> None:
    events = [added(0, "tea"), event("page_viewed", HOUR - 5), event("products_searched", HOUR + 20, query="x")]
    assert the_cart(HOUR + 20, *events).state == "idle"
    cart = the_cart(2 * HOUR + 20, *events)
    assert (cart.state, cart.abandoned_at, cart.changed_at) == ("abandoned", at(2 * HOUR + 20), at(0))


def test_what_the_shop_does_keeps_nobody_in_the_shop() -> None:
    silent = [event("email_opened", HOUR - 5), event("order_refunded", HOUR - 4, order_id="o")]
    assert the_cart(HOUR, added(0, "tea"), *silent).abandoned_at == at(HOUR)


def test_only_touching_an_abandoned_cart_brings_it_back() -> None:
    looked = [added(0, "tea"), event("page_viewed", 300)]
    assert the_cart(301, *looked).state == "abandoned"
    touched = [*looked, added(305, "milk")]
    back = the_cart(306, *touched)
    assert (back.state, back.item_ids, back.abandoned_at) == ("active", ("tea", "milk"), at(HOUR))
    assert the_cart(305 + HOUR, *touched).abandoned_at == at(305 + HOUR)


@pytest.mark.parametrize(("minutes", "state"), [(HOUR - 1, "ordered"), (HOUR, "recovered")])
def test_an_order_ends_a_cart_which_is_recovered_when_it_had_been_abandoned(minutes: int, state: str) -> None:
    cart = the_cart(minutes, added(0, "tea"), ordered(minutes, "tea", order_id="o1"))
    assert (cart.state, cart.ordered_by) == (state, "o1")
    assert (cart.closed_at, cart.item_ids) == (at(minutes), ("tea",))


def test_a_cart_that_was_abandoned_and_then_looked_at_is_recovered_all_the_same() -> None:
    assert states(205, added(0, "tea"), event("cart_viewed", 200, "tea"), ordered(204, "tea")) == ["recovered"]


def test_a_partial_order_leaves_the_rest_as_a_cart_of_its_own() -> None:
    events = [added(0, "tea", "milk", cart_id="c1"), ordered(100, "tea")]
    first, rest = carts_of(events, at(101))
    assert (first.state, first.item_ids, first.cart_id) == ("recovered", ("tea", "milk"), "c1")
    assert (rest.state, rest.item_ids, rest.started_at) == ("active", ("milk",), at(100))
    assert rest.cart_id != "c1"
    assert states(100 + HOUR, *events) == ["recovered", "abandoned"]


def test_what_was_bought_leaves_whole_whatever_the_quantity() -> None:
    events = [added(0, Line(product_id="tea", quantity=3)), added(1, "milk"), ordered(10, "tea")]
    assert the_cart(11, *events).item_ids == ("milk",)


def test_an_order_of_something_else_leaves_the_cart() -> None:
    assert states(20, added(0, "tea"), ordered(10, "bread")) == ["active"]
    assert states(20, ordered(10, "bread")) == []


def test_an_order_that_is_cancelled_or_refunded_later_brings_nothing_back() -> None:
    events = [added(0, "tea"), ordered(5, "tea", order_id="o1")]
    for undone in ("order_cancelled", "order_refunded"):
        assert states(30, *events, event(undone, 20, order_id="o1")) == ["ordered"]


def test_an_order_that_is_reported_again_takes_nothing_out_again() -> None:
    events = [added(0, "tea"), ordered(5, "tea", order_id="o1"), added(10, "tea")]
    assert states(20, *events, ordered(12, "tea", order_id="o1", id="again")) == ["ordered", "active"]
    assert states(20, *events, ordered(12, "tea", order_id="o2")) == ["ordered", "ordered"]


def test_what_was_put_in_at_the_moment_of_the_order_was_bought_by_it() -> None:
    assert states(20, ordered(5, "tea", id="a"), added(5, "tea", id="b")) == ["ordered"]


def test_quantities_are_added_and_taken_away_and_what_is_empty_ends() -> None:
    events = [added(0, "tea"), added(1, Line(product_id="tea", quantity=2)), removed(2, "tea")]
    assert quantities(the_cart(3, *events)) == {"tea": 2.0}
    cart = the_cart(5, *events, removed(4, Line(product_id="tea", quantity=9)))
    assert (cart.state, cart.closed_at, quantities(cart)) == ("emptied", at(4), {"tea": 2.0})
    assert states(9, *events, removed(3, "bread")) == ["active"]


def test_a_cart_that_is_viewed_is_what_is_seen_and_one_that_is_seen_without_products_says_nothing() -> None:
    events = [added(0, "tea", "milk"), event("cart_viewed", 1, "milk", Line(product_id="bread", quantity=2))]
    assert quantities(the_cart(2, *events)) == {"milk": 1.0, "bread": 2.0}
    assert quantities(the_cart(2, events[0], event("cart_viewed", 1))) == {"tea": 1.0, "milk": 1.0}
    assert states(2, event("cart_viewed", 1)) == []


def test_a_checkout_is_a_later_stage_of_the_same_cart() -> None:
    events = [added(0, "tea"), event("checkout_started", 1), event("checkout_step_viewed", 2, checkout_step=3)]
    steps = [the_cart(minute, *events).checkout_step for minute in range(3)]
    assert steps == [None, 1, 3]
    back = event("checkout_step_viewed", 4, checkout_step=2)
    assert the_cart(5, *events, back).checkout_step == 3
    left = the_cart(2 + HOUR, *events)
    assert (left.kind, left.stage, left.state, left.abandoned_at) == ("cart", "checkout", "abandoned", at(2 + HOUR))
    assert the_cart(0, *events).stage == "cart"
    alone = the_cart(5, event("checkout_started", 1, "tea"))
    assert (alone.checkout_step, alone.item_ids) == (1, ("tea",)), "a shop may report checkouts only"


def test_value_is_known_when_all_prices_are_in_one_currency() -> None:
    tea = Line(product_id="tea", quantity=2, price=Decimal("4.90"))
    milk = Line(product_id="milk", quantity=0.5, price=Decimal("1.10"))
    cart = the_cart(5, added(0, tea, currency="EUR"), added(1, milk, currency="EUR"))
    assert (cart.value, cart.currency) == (Decimal("10.35"), "EUR")
    assert the_cart(5, added(0, tea, currency="EUR"), added(1, milk, currency="USD")).value is None
    assert the_cart(5, added(0, tea, currency="EUR"), added(1, "bread")).value is None
    cheaper = Line(product_id="tea", quantity=2, price=Decimal("4.00"))
    assert the_cart(5, added(0, tea), event("cart_viewed", 1, cheaper)).value == Decimal("8.00")
    assert the_cart(5, added(0, tea), event("cart_viewed", 1, "tea")).value == Decimal("4.90"), "the price stays known"


def test_the_shop_names_a_cart_and_goes_on_using_the_name() -> None:
    events = [added(0, "tea"), added(1, "milk", cart_id="c1"), ordered(2, "tea", "milk"), added(3, "tea", cart_id="c1")]
    assert the_cart(0, *events).cart_id != "c1"
    assert [cart.cart_id for cart in carts_of(events, at(4))] == ["c1", "c1#2"]


def test_a_cart_without_a_name_is_called_after_the_event_that_began_it() -> None:
    one, other = the_cart(1, added(0, "tea", id="m1")), the_cart(1, added(0, "tea", id="m2"))
    assert one.cart_id != other.cart_id
    assert one.cart_id == the_cart(9, added(0, "tea", id="m1"), added(5, "milk")).cart_id


def test_an_expired_cart_is_gone_and_another_begins() -> None:
    expired, fresh = carts_of([added(0, "tea"), added(HOUR + WEEK, "milk")], at(HOUR + WEEK))
    assert (expired.state, expired.item_ids) == ("expired", ("tea",))
    assert (fresh.state, fresh.item_ids) == ("active", ("milk",))


def visitor(type_: str, minutes: float, *products: Any, **said: Any) -> Event:
    return event(type_, minutes, *products, user=None, visitor="a1", **said)


def test_visitors_and_customers_cart_are_one_by_the_larger_quantity() -> None:
    events = [
        added(0, Line(product_id="tea", quantity=2), "bread"),
        visitor("product_added", 5, "tea", Line(product_id="milk", quantity=3)),
        event("identified", 10, visitor="a1"),
    ]
    for minute in (6, 11):
        assert quantities(the_cart(minute, *events)) == {"tea": 2.0, "bread": 1.0, "milk": 3.0}
    assert len(carts_of(events, at(11))) == 1
    after = [*events, removed(12, "tea"), visitor("product_removed", 13, Line(product_id="milk", quantity=2))]
    assert quantities(the_cart(14, *after)) == {"tea": 1.0, "bread": 1.0, "milk": 1.0}
    assert states(21, *events, ordered(20, "tea", "bread", "milk")) == ["ordered"]


def test_before_a_login_each_takes_out_of_their_own() -> None:
    events = [added(0, "tea"), visitor("product_added", 1, "tea"), visitor("product_removed", 2, "tea")]
    assert quantities(the_cart(3, *events)) == {"tea": 1.0}
    joined = [*events[:2], event("identified", 1.5, visitor="a1"), events[2]]
    assert states(3, *joined) == ["emptied"]


def test_an_alias_joins_two_accounts() -> None:
    events = [added(0, "tea", user="old"), event("aliased", 1, previous_id="old"), removed(2, "tea", user="old")]
    assert states(3, *events) == ["emptied"]
    assert states(3, events[0], removed(2, "tea", user="u1")) == ["active"]


def test_what_was_viewed_and_not_put_into_the_cart_was_browsed() -> None:
    events = [event("product_viewed", 0, "tea"), event("product_viewed", 1, "milk"), event("product_viewed", 2, "tea")]
    (cart,) = carts_of(events, at(2 + HOUR), kind=BROWSE)
    assert (cart.state, quantities(cart)) == ("abandoned", {"tea": 1.0, "milk": 1.0})
    assert states(9, *events, added(5, "bread"), kind=BROWSE) == ["emptied"]
    assert states(9, *events, ordered(5, "bread"), kind=BROWSE) == ["ordered"]
    assert states(300, *events, ordered(299, "bread"), kind=BROWSE) == ["recovered"]


def test_whoever_comes_back_to_browse_begins_anew() -> None:
    events = [event("product_viewed", 0, "tea"), event("product_viewed", 500, "milk")]
    first, second = carts_of(events, at(501), kind=BROWSE)
    assert (first.state, first.closed_at, second.item_ids) == ("expired", at(500), ("milk",))
    assert first.cart_id != second.cart_id


def test_a_wish_ends_when_it_is_taken_back_put_into_the_cart_or_bought() -> None:
    wished = event("product_added_to_wishlist", 0, "tea", "milk")
    assert the_cart(HOUR, wished, kind=WISHLIST).state == "abandoned"
    left = [event("product_removed_from_wishlist", 5, "tea"), added(6, "milk")]
    assert states(7, wished, left[0], kind=WISHLIST) == ["active"]
    assert states(7, wished, *left, kind=WISHLIST) == ["emptied"]
    assert the_cart(HOUR + 1, wished, added(HOUR - 1, "bread"), kind=WISHLIST).changed_at == at(0)
    first, rest = carts_of([wished, ordered(500, "tea")], at(501), kind=WISHLIST)
    assert (first.state, rest.item_ids) == ("recovered", ("milk",))


def test_everything_that_lies_abandoned_is_found_by_its_kind() -> None:
    events = [
        event("product_added_to_wishlist", 0, "cup"),
        added(1, "tea"),
        event("product_viewed", 2, "milk"),
    ]
    kinds = {name: the_cart(500, *events, kind=kind) for name, kind in KINDS.items()}
    assert {name: cart.state for name, cart in kinds.items()} == dict.fromkeys(KINDS, "abandoned")
    found = {cart.stage: cart.item_ids for cart in kinds.values()}
    assert found == {"wishlist": ("cup",), "cart": ("tea",), "browse": ("milk",)}


def test_the_types_of_carts_exist_and_are_what_people_do() -> None:
    assert set(CART_EVENTS) <= set(EVENT_TYPES)
    assert all(EVENT_TYPES[name].activity for kind in KINDS.values() for name in kind.touch | kind.ends)


PRODUCTS = st.lists(st.sampled_from(["tea", "milk", "bread"]), min_size=1, max_size=3, unique=True)
HAPPENED = st.builds(
    lambda type_, minutes, products, who, order, cart: event(
        type_,
        minutes,
        *products,
        user=who[0],
        visitor=who[1],
        order_id=order,
        cart_id=cart,
        id=f"{type_} {minutes} {products} {who} {order} {cart}",
    ),
    st.sampled_from([*CART_EVENTS, "page_viewed", "product_added", "order_completed"]),
    st.sampled_from([0, 1, 30, 59, 60, 61, 200, 60 + WEEK, 61 + WEEK]),
    PRODUCTS,
    st.sampled_from([("u1", None), (None, "a1"), ("u1", "a1"), (None, "a2")]),
    st.sampled_from(["o1", "o2"]),
    st.sampled_from([None, "c1"]),
)
HISTORY = st.lists(HAPPENED, max_size=15, unique_by=lambda one: one.message_id)
KIND = st.sampled_from(list(KINDS.values()))
MINUTE = st.sampled_from([0, 29, 59, 60, 61, 119, 120, 121, 260, 259 + WEEK, 260 + WEEK, 1e6])


@given(HISTORY, KIND, MINUTE, st.randoms())
def test_arrival_and_repetition_change_nothing(
    events: Sequence[Event], kind: Kind, minutes: float, random: Any
) -> None:
    shuffled = [*events, *events[:4]]
    random.shuffle(shuffled)
    assert carts_of(shuffled, at(minutes), kind=kind) == carts_of(events, at(minutes), kind=kind)


@given(HISTORY, KIND, MINUTE)
def test_a_cart_is_one_of_a_row(events: Sequence[Event], kind: Kind, minutes: float) -> None:
    now = at(minutes)
    carts = carts_of(events, now, kind=kind)
    assert len({cart.cart_id for cart in carts}) == len(carts)
    assert all(not cart.open for cart in carts[:-1])
    for cart in carts:
        assert cart.lines
        assert all(line.quantity > 0 for line in cart.lines)
        assert cart.started_at <= cart.changed_at <= (cart.closed_at or now)
        assert cart.started_at <= cart.seen_at
        assert cart.open == (cart.state in ("active", "idle", "abandoned"))
        assert (cart.ordered_by is not None) == (cart.state in ("ordered", "recovered"))
        if cart.state in ("abandoned", "recovered"):
            assert cart.abandoned_at is not None
            assert cart.abandoned_at == cart.seen_at + IDLE or cart.state == "recovered"
    for before, after in pairwise(carts):
        assert before.closed_at is not None
        assert before.closed_at <= after.started_at


@given(HISTORY, KIND, MINUTE)
def test_nobody_is_reminded_of_what_they_just_bought(events: Sequence[Event], kind: Kind, minutes: float) -> None:
    done = ordered(minutes, "tea", "milk", "bread", order_id="all", id="zzz")
    past = [one for one in events if one.occurred_at <= at(minutes)]
    assert not any(cart.open for cart in carts_of([*past, done], at(minutes), kind=kind))


@given(HISTORY, KIND, MINUTE, st.sampled_from([0, 1, 59, 60, 61, WEEK, WEEK + 60]))
def test_a_cart_grows_older_as_it_would_be_read_later(
    events: Sequence[Event], kind: Kind, minutes: float, later: float
) -> None:
    past = [one for one in events if one.occurred_at <= at(minutes)]
    then = at(minutes) + timedelta(minutes=later)
    grown = [grown_older(cart, then) for cart in carts_of(past, at(minutes), kind=kind)]
    assert grown == carts_of(past, then, kind=kind)


@given(HISTORY, KIND, MINUTE)
def test_records_that_tell_nothing_of_a_cart_need_not_be_read(
    events: Sequence[Event], kind: Kind, minutes: float
) -> None:
    records = [to_record(one) for one in events if one.type in kind.types]
    told = [from_record(one) for one in telling(records, kind)]
    assert carts_of(told, at(minutes), kind=kind) == carts_of(map(from_record, records), at(minutes), kind=kind)


def test_orders_of_before_a_cart_are_not_read_unless_a_later_one_may_repeat_them() -> None:
    before = [to_record(ordered(minute, "tea", order_id="o1", id=f"o{minute}")) for minute in range(3)]
    filled = to_record(added(5, "tea", id="in"))
    assert telling([*before, filled]) == [filled]
    again = to_record(ordered(6, "tea", order_id="o1", id="again"))
    assert telling([*before, filled, again]) == [*before, filled, again]
    assert states(7, *map(from_record, [*before, filled, again])) == ["active"], "the order was reported before"
