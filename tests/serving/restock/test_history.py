"""What the log tells of one person: their own orders, all of them, however much else they did."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.identity import Identities
from features.log import Log, Record, from_record
from features.person import Person
from models.time_to_event.lines import Lines
from serving.restock.history import OrderHistories, lines_of, orders_of
from tests.features.shop import bought, day, happened, log_of


def on(device: str, record: Record) -> Record:
    """The same event, with the device that it came from."""
    return Record(**{name: getattr(record, name) for name in record.__slots__} | {"anonymous_id": device})


def test_browsing_and_the_orders_of_others_are_left_out() -> None:
    records = [
        on("tablet", happened("identified", "ann", 0)),
        bought("?tablet", 1, "o1", "milk"),
        on("tablet", bought("bob", 2, "o2", "beer")),
        *(happened("product_viewed", "ann", 3, "tea") for _ in range(9)),
        bought("ann", 4, "o3", "milk", ("tea", 2, "3.5")),
        happened("order_refunded", "ann", 5, "tea", order="o3"),
    ]
    log = log_of(records)
    identities = Identities(log.engine)
    identities.observe([from_record(record) for record in records])
    orders = orders_of(log, identities.person("ann", None))
    assert [record.type for record in orders] == ["order_completed", "order_completed", "order_refunded"]
    lines = lines_of(orders, day(9))
    assert lines.product_ids[lines.products].tolist() == ["milk", "milk"]
    assert np.diff(lines.days).tolist() == [3]
    assert lines.customer_count == 1


def test_what_came_behind_a_position_can_be_asked_for_alone() -> None:
    log = log_of([bought("ann", 1, "o1", "milk"), bought("ann", 2, "o2", "tea")])
    ann = Person("ann", ("ann",), ())
    assert [record.position for record in orders_of(log, ann, after=1)] == [2]


def test_nobody_has_no_lines() -> None:
    lines = lines_of([], day(3))
    assert (len(lines.days), len(lines.product_ids), lines.customer_count) == (0, 0, 1)


ANN, BOB = (Person(name, (name,), ()) for name in ("ann", "bob"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buys"), st.sampled_from(["ann", "bob"]), st.integers(0, 9), st.integers(0, 3)),
        st.tuples(st.just("returns"), st.sampled_from(["ann", "bob"]), st.integers(0, 9), st.integers(0, 3)),
        st.tuples(st.just("asks"), st.sampled_from(["ann", "bob"]), st.integers(0, 12), st.just(0)),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(0, 6))
def test_what_is_kept_is_what_the_log_says_at_every_moment(steps: list[tuple[str, str, int, int]], most: int) -> None:
    """Orders and refunds come in any order, dated before or behind the moments that are asked for."""
    log = log_of([bought("ann", 1, "o0", "milk")])
    histories = OrderHistories(log, most)
    for what, who, at, number in steps:
        person = ANN if who == "ann" else BOB
        if what == "buys":
            log.append([bought(who, at, f"o{number}", "milk", "tea")])
        elif what == "returns":
            log.append([happened("order_refunded", who, at, "milk", order=f"o{number}")])
        else:
            for _ in range(2):
                found, truth = histories.lines(person, day(at)), lines_of(orders_of(log, person), day(at))
                assert _told(found) == _told(truth)
        assert histories.kept_lines <= most


def _told(lines: Lines) -> tuple[list[object], ...]:
    products = lines.product_ids[lines.products].tolist()
    return products, lines.days.tolist(), lines.packs.tolist(), [lines.day, lines.customer_count]


def test_who_asks_again_is_not_read_again_until_something_was_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of([bought("ann", 1, "o1", "milk"), bought("ann", 2, "o2", "tea"), bought("bob", 2, "o3", "tea")])
    read: list[int] = []
    of_person = Log.of_person

    def counted(self: Log, *args: object, **more: object) -> list[Record]:
        found = of_person(self, *args, **more)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(Log, "of_person", counted)
    histories = OrderHistories(log)
    for _ in range(3):
        histories.lines(ANN, day(5))
    assert read == [2, 0, 0]
    log.append([bought("ann", 3, "o4", "milk")])
    assert len(histories.lines(ANN, day(5)).days) == 3
    assert read == [2, 0, 0, 1, 3]
