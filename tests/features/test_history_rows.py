"""Rows of the history are those that a plain loop over the events gives, whatever their payloads look like."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history_rows import SCHEMA, bucket_of, rows_of, stored_price
from features.history_source import Columns
from features.log import Record, from_record
from features.person import default_customer

A_DAY = 86_400_000_000
BUCKETS = 3

ids = st.sampled_from(['"p"', '"q"', '""', '"ü/🛒"', r'"\u00fc\/\ud83d\uded2"', r'"a\n\"b"'])
quantities = st.sampled_from(["1", "1.0", "0.25", "-3", "1e18", "1.7976931348623157e308", "9007199254740993", "0.1"])
prices = (
    st.sampled_from(
        ["null", "3.50", '"3.50"', "12", "1e30", '"1e30"', '"NaN"', '"sNaN"', '"-Infinity"', '" 1 "', "-0.0"]
    )
    | st.sampled_from(["0.00005", '"0.00015"', '"99999999999999.99995"', "123456789012345678901234567890", "5e-5"])
    | st.decimals(-(10**15), 10**15, places=6).map(lambda price: f'"{price}"')
)
texts = st.sampled_from(["null", '"o1"', '"ö"', '""'])
spaces = st.sampled_from(["", " ", "\n\t"])


def objects(given_: dict[str, st.SearchStrategy[str]], always: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """JSON of objects with some of these fields, in any order."""
    some = st.lists(st.sampled_from(sorted(set(given_) - set(always))), unique=True).map(
        lambda names: [*always, *names]
    )
    return some.flatmap(st.permutations).flatmap(
        lambda names: st.tuples(spaces, *(given_[name] for name in names)).map(
            lambda told: "{" + ",".join(f'{told[0]}"{n}":{v}' for n, v in zip(names, told[1:], strict=True)) + "}"
        )
    )


lines = objects(
    {
        "product_id": ids,
        "quantity": quantities,
        "price": prices,
        "recommendation_id": texts,
        "unknown": st.just('[{"product_id":3}]'),
    },
    always=["product_id"],
)
bodies = objects(
    {
        "lines": st.lists(lines, max_size=3).map(lambda some: f"[{','.join(some)}]"),
        "order_id": texts,
        "currency": texts,
        "total": prices,
        "rating": st.sampled_from(["null", "4.5"]),
        "machine": st.sampled_from(["true", "false"]),
        "unknown": st.just('{"lines":[1],"order_id":2}'),
    }
)
moments = st.integers(-3 * A_DAY, 3 * A_DAY) | st.sampled_from([-1, 0, A_DAY - 1, A_DAY, 4_102_444_800_000_000])
persons = st.sampled_from([("u1", None), ("u2", "a"), (None, "a"), (None, "ü"), ("", ""), (None, "u1")])
kinds = st.sampled_from(["order_completed", "product_viewed", "of another version"])
records = st.lists(bodies, min_size=1, max_size=4).flatmap(  # a few payloads among more records, so that some repeat
    lambda few: st.lists(
        st.builds(
            lambda kind, at, later, who, payload: Record("", kind, at, at + later, *who, payload),
            kinds,
            moments,
            st.integers(0, A_DAY),
            persons,
            st.sampled_from(few),
        ),
        min_size=1,
        max_size=8,
    )
)


def columns(told: Sequence[Record]) -> Columns:
    """`told` as they would be read, at every second position."""
    placed = [Record(*(getattr(one, name) for name in Record.__slots__[:-1]), 2 * n) for n, one in enumerate(told, 1)]
    return Columns(*zip(*[[getattr(one, field.name) for field in fields(Columns)] for one in placed], strict=True))


def plainly(told: Sequence[Record]) -> tuple[list[tuple[Any, ...]], list[int]]:
    """The rows and the partitions by a plain loop over whole events."""
    rows: list[tuple[Any, ...]] = []
    partitions: list[int] = []
    for number, record in enumerate(told, 1):
        event = from_record(record)
        body, who = event.body, (event.user_id, event.anonymous_id)
        for line, one in enumerate(body.lines or (None,)):
            what = (one.product_id, one.quantity, stored_price(one.price)) if one else (None, None, None)
            when = event.occurred_at, event.received_at
            rows.append((2 * number, line, event.type, *when, *who, *what, body.currency, body.order_id))
            partitions.append(record.occurred_at // A_DAY * BUCKETS + bucket_of(default_customer(*who), BUCKETS))
    return rows, partitions


@settings(max_examples=300, deadline=None)
@given(records)
def test_rows_are_those_of_a_plain_loop(told: list[Record]) -> None:
    found = rows_of(columns(told), BUCKETS)
    table, partition = found.table, found.partition
    assert found.unreadable == ()
    rows, partitions = plainly(told)
    table.validate(full=True)
    assert table.schema.equals(SCHEMA)
    assert list(zip(*(table[name].to_pylist() for name in SCHEMA.names), strict=True)) == rows
    assert partition.tolist() == partitions


@pytest.mark.parametrize(
    "payload",
    ['{"lines":[{"product_id":"p","price":"dear"}]}', '{"lines":[{"product_id":"p","price":true}]}', "", "{}{}", "[]",
     "[" * 100_000, '{"x":' + "[" * 100_000, '{"lines":[{}]}', '{"order_id":1}',
     '{"lines":[{"product_id":"p","quantity":null}]}', '{"lines":[null]}'],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out_and_named(payload: str) -> None:
    """Not what is damaged where the history does not look: that would lose an event for nothing."""
    damaged = '{"lines":[{"product_id":"p","recommendation_id":1}],"discount":"none"}'
    good, bad = (Record("", "product_viewed", 1, 1, "u1", None, text) for text in (damaged, payload))
    found = rows_of(columns([good, bad, bad, good]), BUCKETS)
    assert found.unreadable == (4, 6)
    assert found.table["position"].to_pylist() == [2, 8]
    assert len(found.partition) == 2
    alone = rows_of(columns([bad]), BUCKETS)
    assert (len(alone.table), len(alone.partition), alone.unreadable) == (0, 0, (2,))


def test_a_price_beyond_all_numbers_stops_nothing() -> None:
    body = '{"lines":[{"product_id":"p","price":1e999999999},{"product_id":"p","price":-1e999999999}]}'
    found = rows_of(columns([Record("", "product_viewed", 1, 1, "u1", None, body)]), BUCKETS)
    assert found.table["price"].to_pylist() == [None, None]


def test_what_the_history_does_not_keep_is_not_looked_at() -> None:
    """Many fields of a body are of no use here, and one of them is no reason to stop everything."""
    found = rows_of(columns([Record("", "product_reviewed", 1, 1, "u1", None, '{"rating":"good"}')]), BUCKETS)
    assert (len(found.table), found.unreadable) == (1, ())


def test_whom_an_alias_names_is_looked_at_in_an_alias_alone() -> None:
    kinds = ("order_completed", "aliased", "product_viewed")
    told = [Record("", kind, 1, 1, "u1", None, '{"previous_id":3}') for kind in kinds]
    found = rows_of(columns(told), BUCKETS)
    assert found.unreadable == (4,)
    assert found.table["position"].to_pylist() == [2, 6]
