"""The table of carts: the same from scratch, in any batches and any order of arrival, whoever turns out to be whom."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.cart_kinds import CART_EVENTS
from features.cart_table import CartTable, KeptCart, Times
from features.carts import IDLE, TTL, carts_of
from features.database import open_database
from features.events import Event, Line
from features.identity import Identities
from features.log import EVENTS, Log, to_record
from tests.features.person import at, event

HOUR = int(IDLE.total_seconds() / 60)
NOW = at(10_000)


def added(minutes: float, *products: Any, **said: Any) -> Event:
    return event("product_added", minutes, *products, **said)


def kept(engine: Engine, *batches: Sequence[Event], now: datetime = NOW, **options: Any) -> list[KeptCart]:
    """The table after each batch arrived and was read, as it is at `now`."""
    log, people, table = Log(engine, EVENTS), Identities(engine), CartTable(engine)
    for batch in batches:
        log.append([to_record(one) for one in batch])
        table.catch_up(log, people, **options)
    return table.everything(now)


def test_a_row_is_the_cart_as_it_is_read_from_the_events(engine: Engine) -> None:
    tea = Line(product_id="tea", quantity=2.5, price=Decimal("4.9050"))
    events = [added(0, tea, currency="EUR", cart_id="c1"), event("checkout_started", 3), added(9, "cup", user="u2")]
    rows = kept(engine, events, now=at(30))
    ids = [(row.customer_id, row.user_id, row.anonymous_id) for row in rows]
    assert ids == [("u1", "u1", None), ("u2", "u2", None)]
    assert [row.cart for row in rows] == [*carts_of(events[:2], at(30)), *carts_of(events[2:], at(30))]
    assert rows[0].cart.value == Decimal("12.2625")


def test_a_cart_grows_older_without_a_word(engine: Engine) -> None:
    (row,) = kept(engine, [added(0, "tea")], now=at(5))
    assert row.cart.state == "active"
    table = CartTable(engine)
    states = [table.everything(at(HOUR) + later)[0].cart.state for later in (timedelta(), TTL)]
    assert states == ["abandoned", "expired"]


def test_a_visitor_who_logs_in_takes_the_cart_along(engine: Engine) -> None:
    before = added(0, "tea", user=None, visitor="a1")
    (row,) = kept(engine, [before])
    assert (row.customer_id, row.user_id, row.anonymous_id) == ("anonymous:a1", None, "a1")
    (row,) = kept(engine, [event("page_viewed", 5, visitor="a1")])
    assert (row.customer_id, row.user_id, row.anonymous_id, row.cart.item_ids) == ("u1", "u1", None, ("tea",))


def test_a_device_that_turns_out_to_have_been_somebody_elses_gives_its_cart_back(engine: Engine) -> None:
    rows = kept(engine, [added(0, "tea", user=None, visitor="a1"), event("identified", 9, user="u2", visitor="a1")])
    assert [row.customer_id for row in rows] == ["u2"]
    rows = kept(engine, [event("identified", 5, user="u1", visitor="a1")])
    assert [row.customer_id for row in rows] == ["u1"]


def test_an_account_that_turns_out_to_be_another_one_moves(engine: Engine) -> None:
    kept(engine, [added(0, "tea", user="u5"), added(0, "milk", user="u1")])
    rows = kept(engine, [event("aliased", 9, user="u3", previous_id="u5")])
    assert [row.customer_id for row in rows] == ["u1", "u3"]
    rows = kept(engine, [event("aliased", 5, user="u1", previous_id="u5")])
    assert [(row.customer_id, row.cart.item_ids) for row in rows] == [("u1", ("milk", "tea"))]


def test_a_late_event_is_in_its_place(engine: Engine) -> None:
    late = event("order_completed", 5, "tea", order_id="o1")
    (row,) = kept(engine, [added(0, "tea")], [late])
    assert (row.cart.state, row.cart.closed_at) == ("ordered", at(5))


def test_a_rebuild_and_other_rules_give_what_scratch_gives(engine: Engine) -> None:
    events = [added(0, "tea"), added(HOUR - 10, "milk"), added(3 * HOUR, "cup", user="u2")]
    rows = kept(engine, events)
    log, people, table = Log(engine, EVENTS), Identities(engine), CartTable(engine)
    table.rebuild(log, people)
    assert table.everything(NOW) == rows
    hasty = CartTable(engine, {"cart": Times(timedelta(minutes=5))})
    assert hasty.catch_up(log, people) == 2
    assert hasty.everything(NOW)[0].cart.abandoned_at == at(HOUR - 5)
    assert hasty.catch_up(log, people) == 0
    assert table.catch_up(log, people) == 2
    assert table.everything(NOW) == rows


def test_nothing_is_read_twice(engine: Engine) -> None:
    kept(engine, [added(0, "tea")], [])
    log, people, table = Log(engine, EVENTS), Identities(engine), CartTable(engine)
    assert table.catch_up(log, people) == 0
    log.append([to_record(event("page_viewed", 5))])
    assert table.catch_up(log, people) == 0
    log.append([to_record(added(6, "tea", user="u2"))])
    assert table.catch_up(log, people) == 1


def test_abandoned_carts_come_page_by_page_from_a_window(engine: Engine) -> None:
    dear = Line(product_id="tea", price=Decimal("50.00"))
    events = [
        added(0, dear, user="a"),
        added(10, dear, user="c"),
        added(10, "cup", user="b"),
        added(20, dear, user="d"),
        event("product_viewed", 10, "tea", user="e"),
        added(10, "tea", user="f"),
        event("order_completed", 11, "tea", user="f", order_id="o1"),
    ]
    kept(engine, events)
    table = CartTable(engine)

    def found(now: float, since: float = -100, until: float = 1e5, **options: Any) -> list[str]:
        return [row.customer_id for row in table.abandoned(at(now), at(since), at(until), **options)]

    assert found(HOUR - 1) == []
    assert found(HOUR) == ["a"]
    assert found(HOUR + 20) == ["a", "b", "c", "d"]
    assert found(HOUR + 20, since=HOUR + 10) == ["b", "c", "d"]
    assert found(HOUR + 20, since=HOUR + 10, until=HOUR + 20) == ["b", "c"]
    assert found(HOUR + 20, min_value=Decimal("50.00")) == ["a", "c", "d"]
    assert found(HOUR + 20, min_value=Decimal("50.01")) == []
    assert found(HOUR + 20, kind="browse") == ["e"]
    assert found(HOUR + TTL.total_seconds() / 60) == ["b", "c", "d"]
    page = table.abandoned(at(HOUR + 20), at(0), at(1e5), limit=2)
    rest = table.abandoned(at(HOUR + 20), at(0), at(1e5), limit=2, behind=page[-1].place)
    assert [row.customer_id for row in (*page, *rest)] == ["a", "b", "c", "d"]
    assert {row.cart.state for row in (*page, *rest)} == {"abandoned"}


HAPPENED = st.builds(
    lambda type_, minutes, product, who, previous: event(
        "aliased" if previous and who[0] else type_,
        minutes,
        product,
        user=who[0],
        visitor=who[1],
        order_id="o1",
        previous_id=previous,
        id=f"{type_} {minutes} {product} {who} {previous}",
    ),
    st.sampled_from([*CART_EVENTS, "page_viewed", "product_added", "product_added"]),
    st.integers(0, 4).map(lambda number: number * 40),
    st.sampled_from(["tea", "milk"]),
    st.sampled_from([("u1", None), (None, "a1"), ("u1", "a1"), ("u2", "a1"), ("u3", None), ("u2", "a2"), (None, "a2")]),
    st.sampled_from([None, None, None, "u1", "u2", "a1", "u3"]),
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HAPPENED, max_size=12, unique_by=lambda one: one.message_id), st.data())
def test_batches_and_arrival_change_nothing(events: Sequence[Event], data: Any) -> None:
    arrival = data.draw(st.permutations(events))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(events)), max_size=4)))
    batches = [arrival[first:last] for first, last in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    at_once, in_parts = open_database("sqlite://"), open_database("sqlite://")
    try:
        expected = kept(at_once, events)
        assert kept(in_parts, *batches, positions=data.draw(st.integers(1, 5))) == expected
        table = CartTable(in_parts)
        table.rebuild(Log(in_parts, EVENTS), Identities(in_parts))
        assert table.everything(NOW) == expected
    finally:
        at_once.dispose()
        in_parts.dispose()


def test_who_commits_second_begins_again_behind_the_first(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    log, people = Log(engine, EVENTS), Identities(engine)
    log.append([to_record(added(0, "tea"))])
    slow, quick = CartTable(engine), CartTable(engine)
    read = slow._rows

    def overtaken(*args: Any) -> Any:
        rows = list(read(*args))
        monkeypatch.setattr(slow, "_rows", read)
        log.append([to_record(added(1, "milk"))])
        quick.catch_up(log, people)
        return rows

    monkeypatch.setattr(slow, "_rows", overtaken)
    assert slow.catch_up(log, people) == 0, "what is older than the table is not written"
    (row,) = slow.everything(NOW)
    assert row.cart.item_ids == ("tea", "milk")
    engine.dispose()
