"""Reading single fields: every value is either read or rejected with a pointer, and nothing unstorable gets through."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.fields import MAX_AMOUNT, MAX_ID_LENGTH, EventRejected, amount, identifier, number, storable, text, time

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING)
def test_every_value_is_read_or_rejected_with_its_pointer(value: Any) -> None:
    for read in (identifier, text, number, amount, time):
        try:
            found: Any = read({"f": value}, "f", "/properties")
        except EventRejected as rejection:
            found = rejection
        if isinstance(found, EventRejected):
            assert found.pointer == "/properties/f"
            assert found.code
            assert found.detail
        if isinstance(found, str):
            assert storable(found)
            assert found.encode().decode() == found
        if isinstance(found, float):
            assert abs(found) < MAX_AMOUNT
        if isinstance(found, datetime):
            assert found.tzinfo is UTC


@given(st.integers(-(10**17), 10**17))
def test_a_database_key_given_as_a_number_becomes_its_digits(key: int) -> None:
    assert identifier({"userId": key}, "userId", "") == str(key)


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, 1.5, float("inf"), float("nan")])
def test_what_is_no_id_is_rejected(value: Any) -> None:
    with pytest.raises(EventRejected) as caught:
        identifier({"userId": value}, "userId", "")
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "half \udfff pair"])
def test_what_no_database_can_hold_is_rejected(value: str) -> None:
    with pytest.raises(EventRejected) as caught:
        identifier({"userId": value}, "userId", "")
    assert caught.value.code == "invalid_text"


def test_ids_end_at_256_characters() -> None:
    assert identifier({"id": "x" * MAX_ID_LENGTH}, "id", "") == "x" * MAX_ID_LENGTH
    with pytest.raises(EventRejected, match="256"):
        identifier({"id": "x" * (MAX_ID_LENGTH + 1)}, "id", "")
    with pytest.raises(EventRejected, match="256"):
        identifier({"id": 1e300}, "id", "")


@given(st.decimals(Decimal(0), Decimal(10) ** 9, places=4))
def test_money_is_the_decimal_that_was_written(price: Decimal) -> None:
    assert amount({"price": str(price)}, "price", "") == price


@given(st.integers(0, 10**9))
def test_a_json_number_is_its_shortest_decimal(cents: int) -> None:
    written = json.loads(json.dumps(cents / 100))
    assert amount({"price": written}, "price", "") == Decimal(cents) / 100


@pytest.mark.parametrize("value", ["12 EUR", "NaN", "Infinity", "1e15", True, [], "0x10", float("nan"), 10**400])
def test_what_is_no_amount_is_rejected(value: Any) -> None:
    with pytest.raises(EventRejected) as caught:
        amount({"price": value}, "price", "/properties")
    assert (caught.value.pointer, caught.value.code) == ("/properties/price", "not_a_number")


@pytest.mark.parametrize("value", ["yesterday", 1_700_000_000, "2026-13-01", "0001-01-01T00:00:00+14:00", ""])
def test_what_is_no_time_is_rejected(value: Any) -> None:
    with pytest.raises(EventRejected) as caught:
        time({"timestamp": value}, "timestamp", "")
    assert caught.value.code == "invalid_time"


@given(st.datetimes(timezones=st.timezones()).filter(lambda moment: 1900 < moment.year < 2100))
def test_times_keep_their_moment_whatever_the_offset(moment: datetime) -> None:
    assert time({"t": moment.isoformat()}, "t", "") == moment.astimezone(UTC)
