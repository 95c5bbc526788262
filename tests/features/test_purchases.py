"""What was bought and kept: the same from the history of all and from the log of one, whatever came in between."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import NOBODY, visible
from features.history import compact
from features.identity import Identities
from features.log import Log, Record, from_record
from features.purchases import ORDER_EVENTS, bought, last_day
from tests.features.shop import START, day, happened, history_of, log_of
from tests.features.shop import bought as order

OPENED = last_day(START) + 1

Line = tuple[int, str, float, float | None, str | None]


def from_history(history: Path, who: str, at: float, identities: Any = NOBODY) -> list[Line]:
    """The lines that the history tells of one customer."""
    with visible(history, identities, day(at)) as seen:
        rows = seen.purchases().to_pylist()
    names = ("day", "product_id", "quantity", "price", "order_id")
    return sorted((tuple(row[name] for name in names) for row in rows if row["customer_id"] == who), key=repr)


def from_log(log: Log, who: str, at: float) -> list[Line]:
    """The lines that the log tells of the same customer."""
    person = Identities(log.engine).person(None if who.startswith("anonymous:") else who, who.partition(":")[2] or None)
    records = log.of_person(person.user_ids, person.anonymous_ids, limit=1000, types=ORDER_EVENTS)
    found = bought([record for record in records if person.did(record.user_id)], day(at))
    return sorted(
        (
            (line.day, line.product_id, line.quantity, None if line.price is None else float(line.price), line.order_id)
            for line in found
        ),
        key=repr,
    )


def test_what_was_kept_of_a_few_orders(tmp_path: Path) -> None:
    records = [
        order("u1", 3.5, "o2", ("milk", 2, "1.5"), ("tea", 1, "4")),
        order("u1", 1.99, "o1", ("milk", 1, "1.25"), "bread"),
        order("u1", 3.6, "o2", ("milk", 7, "1.5")),
        order("u1", 4, "o3", "cake"),
        order("u1", 4, "o4", "cake", "jam"),
        happened("order_cancelled", "u1", 4.5, order="o3"),
        happened("order_refunded", "u1", 4.5, "jam", order="o4"),
        happened("order_refunded", "u1", 9, "cake", order="o4"),
        happened("product_viewed", "u1", 5, "tea"),
        order("u1", 8, "o5", "tea"),
    ]
    kept = [
        (OPENED + 1, "bread", 1.0, None, "o1"),
        (OPENED + 1, "milk", 1.0, 1.25, "o1"),
        (OPENED + 3, "milk", 2.0, 1.5, "o2"),
        (OPENED + 3, "tea", 1.0, 4.0, "o2"),
        (OPENED + 4, "cake", 1.0, None, "o4"),
    ]
    assert from_history(history_of(tmp_path, records), "u1", 8) == kept
    assert from_log(log_of(records), "u1", 8) == kept
    assert from_log(log_of(records), "u1", 10)[-1] == (OPENED + 8, "tea", 1.0, None, "o5")
    assert "cake" not in [line[1] for line in from_log(log_of(records), "u1", 10)], "it was refunded on day 9"


def test_a_day_is_of_utc_and_the_last_day_is_one_that_has_begun() -> None:
    midnight = log_of([order("u1", 5, "o", "tea"), order("u1", 5 - 1e-9, "p", "jam")])
    assert [(line[0] - OPENED, line[1]) for line in from_log(midnight, "u1", 6)] == [(4, "jam"), (5, "tea")]
    assert [line[1] for line in from_log(midnight, "u1", 5)] == ["jam"], "as of midnight the new day is not known"
    assert last_day(day(5)) == OPENED + 4
    assert last_day(day(5.5)) == OPENED + 5


def test_browsing_does_not_crowd_out_orders() -> None:
    views = [happened("product_viewed", "u1", 2, "tea") for _ in range(50)]
    log = log_of([order("u1", 1, "o", "milk"), *views])
    records = log.of_person(["u1"], [], limit=5, types=ORDER_EVENTS)
    assert [line.product_id for line in bought(records, day(3))] == ["milk"]
    assert len(log.of_person(["u1"], [], limit=5)) == 5


def test_orders_on_a_shared_device_are_of_whoever_had_logged_in(tmp_path: Path) -> None:
    def on_device(record: Record) -> Record:
        return Record(**{name: getattr(record, name) for name in record.__slots__} | {"anonymous_id": "tablet"})

    records = [
        on_device(happened("identified", "ann", 0)),
        on_device(order("ann", 1, "o1", "milk")),
        on_device(order("bob", 2, "o2", "beer")),
        order("?tablet", 3, "o3", "tea"),
    ]
    log = log_of(records)
    identities = Identities(log.engine)
    identities.observe([from_record(record) for record in records])
    compact(log, tmp_path, 2)
    for who, products in (("ann", ["milk", "tea"]), ("bob", ["beer"])):
        assert [line[1] for line in from_log(log, who, 9)] == products
        assert from_history(tmp_path, who, 9, identities.table()) == from_log(log, who, 9)


ORDERS = st.sampled_from(["o1", "o2", "o3"])
PRODUCTS = st.sampled_from(["a", "b"])
LINES = st.tuples(
    PRODUCTS, st.sampled_from([0.5, 1, 2, 1e9]), st.sampled_from(["0", "1.25", "3.33335", "NaN", "1e20", "-2"])
)
EVENTS_OF_ONE = st.lists(
    st.tuples(
        st.sampled_from(["order_completed"] * 3 + ["order_refunded", "order_cancelled", "order_updated"]),
        st.sampled_from([0, 0.5, 1, 1.25, 2, 3]),
        ORDERS,
        st.lists(LINES, max_size=3),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(EVENTS_OF_ONE, st.sampled_from([0.0, 0.75, 1.25, 2.5, 9.0]))
def test_history_and_log_tell_the_same(events: Sequence[Any], at: float) -> None:
    records = [
        happened(kind, "u1", moment, *lines, order=f"{order_id}")
        for kind, moment, order_id, lines in events
        if lines or kind != "order_completed"
    ]
    with TemporaryDirectory() as folder:
        assert from_history(history_of(Path(folder), records), "u1", at) == from_log(log_of(records), "u1", at)
