"""Reading single fields of a foreign message: ids, texts, numbers, times. A JSON pointer names what is wrong."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_ID_LENGTH = 256
MAX_TEXT_LENGTH = 1_024
MAX_AMOUNT = Decimal(10) ** 14
_DECIMALS = 4
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class EventRejected(Exception):
    """A message that cannot become an event. `pointer` is a JSON pointer into the message."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.code = code
        self.detail = detail


def storable(text: str) -> bool:
    """Whether every database of ours can hold `text`: PostgreSQL has no NUL, UTF-8 no half of a surrogate pair.

    >>> storable("Grüße"), storable("a\\x00b")
    (True, False)
    """
    return not _UNSTORABLE.search(text)


def identifier(holder: Mapping[str, Any], field: str, at: str) -> str | None:
    """An opaque id; a whole number becomes its digits, as trackers send database keys. None when missing or empty.

    >>> identifier({"userId": 7}, "userId", "")
    '7'
    """
    value = holder.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif isinstance(value, float) and value.is_integer():
        value = f"{value:.0f}"
    return _string(value, f"{at}/{field}", MAX_ID_LENGTH)


def text(holder: Mapping[str, Any], field: str, at: str) -> str | None:
    """A text; None when missing or empty."""
    return _string(holder.get(field), f"{at}/{field}", MAX_TEXT_LENGTH)


def number(holder: Mapping[str, Any], field: str, at: str) -> float | None:
    """A finite number, or the text of one; None when missing or empty."""
    found = amount(holder, field, at)
    return None if found is None else float(found)


def amount(holder: Mapping[str, Any], field: str, at: str) -> Decimal | None:
    """A decimal as it was written, to four places; a JSON number goes through its shortest decimal form.

    >>> amount({"price": 19.99}, "price", "/properties")
    Decimal('19.99')
    """
    value = holder.get(field)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise ValueError
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        found = Decimal(str(value).strip())
        if not found.is_finite() or abs(found) >= MAX_AMOUNT:
            raise ValueError
    except (ValueError, InvalidOperation):
        raise EventRejected(f"{at}/{field}", "not_a_number", "this must be a number below 1e14") from None
    return round(found, _DECIMALS) if int(found.as_tuple().exponent) < -_DECIMALS else found


def time(holder: Mapping[str, Any], field: str, at: str) -> datetime | None:
    """An ISO 8601 time in UTC; one without an offset is taken as UTC, as Segment does. None when missing.

    >>> time({"timestamp": "2026-11-21T18:00:00+03:00"}, "timestamp", "").isoformat()
    '2026-11-21T15:00:00+00:00'
    """
    value = holder.get(field)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        detail = "the time must be ISO 8601, e.g. 2026-11-21T18:00:00+03:00"
        raise EventRejected(f"{at}/{field}", "invalid_time", detail) from None


def _string(value: Any, pointer: str, longest: int) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise EventRejected(pointer, "wrong_type", "this must be a string")
    if len(value) > longest:
        raise EventRejected(pointer, "too_long", f"this must have at most {longest} characters")
    if not storable(value):
        raise EventRejected(pointer, "invalid_text", "this holds a character that is not text (NUL or half of a pair)")
    return value
