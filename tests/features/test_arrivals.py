"""What did not get in is counted by reason, added up over workers, and says nothing of anybody."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.arrivals import Arrivals, Why, reason_of, type_of
from features.events import EVENT_TYPES

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def test_the_same_end_of_two_workers_adds_up_and_another_hour_stands_for_itself(engine: Engine) -> None:
    wrong, again = Why("rejected", "missing at /userId", "order_completed"), Why("duplicate", "", "cart_viewed")
    one, two = Arrivals(engine), Arrivals(engine)
    one.add({wrong: 2, again: 1}, NOW)
    two.add({wrong: 3}, NOW + timedelta(minutes=5))
    two.add({wrong: 10}, NOW - timedelta(hours=3))
    one.add({wrong: 0}, NOW)
    one.add({}, NOW)
    assert [(row.why, row.count) for row in one.since(NOW)] == [(wrong, 5), (again, 1)]
    assert [row.count for row in one.since(NOW - timedelta(days=1))] == [15, 1]
    assert one.since(NOW)[0].at == NOW + timedelta(minutes=5)


@given(st.text(max_size=300))
def test_only_names_of_the_vocabulary_are_kept(told: str) -> None:
    assert type_of(told) in {"", *EVENT_TYPES}
    assert type_of(f"{told}!") == ""


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_place_in_a_list_makes_no_reason_of_its_own(one: int, other: int) -> None:
    told = [reason_of("missing", f"/properties/products/{place}/product_id") for place in (one, other)]
    assert told[0] == told[1] == "missing at /properties/products/*/product_id"
