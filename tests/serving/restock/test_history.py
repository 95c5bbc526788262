"""What the log tells of one person: their own orders, all of them, however much else they did."""

import numpy as np

from features.identity import Identities, Person
from features.log import Record, from_record
from serving.restock.history import lines_of, orders_of
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
