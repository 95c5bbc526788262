"""What was bought and kept: lines of orders, of everybody from the history, of one person straight from the log.

Both follow the rules of `sql/visible.sql`: a returned line was not bought, and of several reports of one order the
earliest counts. A test holds the two to the same answer, so what a model learned from is what it is asked with.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from features.events import Event, Line
from features.history_rows import stored_price
from features.log import Record, from_record, microseconds

ORDER_EVENTS = ("order_completed", "order_refunded", "order_cancelled")
"""The events that say what was bought and kept."""

_MICROSECONDS_A_DAY = 86_400_000_000


class Bought(NamedTuple):
    """One line of an order that was kept. `day` is whole days since 1970 in UTC, `price` what one of it cost."""

    product_id: str
    day: int
    quantity: float
    price: Decimal | None
    order_id: str | None


def last_day(as_of: datetime) -> int:
    """The day since 1970 in UTC that is the latest of which anything is known as of this moment.

    >>> from datetime import UTC
    >>> last_day(datetime(1970, 1, 3, tzinfo=UTC)), last_day(datetime(1970, 1, 3, 0, 0, 1, tzinfo=UTC))
    (1, 2)
    """
    return (microseconds(as_of) - 1) // _MICROSECONDS_A_DAY


def bought(records: Sequence[Record], as_of: datetime) -> list[Bought]:
    """What one person had bought before `as_of`, from their `ORDER_EVENTS` in the order of the log, oldest day first.

    An event that is dated from `as_of` on, by a clock that runs ahead, waits for its time. A refund counts for orders
    of the same person only: the history finds them by the order alone, whoever was named with the refund.
    """
    before = microseconds(as_of)
    known = [record for record in records if record.occurred_at < before]
    events = [from_record(record) for record in known]
    days = [record.occurred_at // _MICROSECONDS_A_DAY for record in known]
    found = [
        Bought(line.product_id, day, line.quantity, stored_price(line.price), event.body.order_id)
        for day, event, lines in zip(days, events, kept_lines(events), strict=True)
        for line in lines
    ]
    return sorted(found, key=attrgetter("day"))


def kept_lines(events: Sequence[Event]) -> list[tuple[Line, ...]]:
    """For each of one person's events, in the order of the log, the lines that were bought by it and kept.

    Nothing for an event that is not a completed order. Of several events that bring the same product in the same order,
    the earliest counts, with all of its lines.
    """
    cancelled, returned, first = set(), set(), dict[tuple[str | None, str], tuple[datetime, int]]()
    reported = [(event.occurred_at, place) for place, event in enumerate(events)]
    for event, moment in zip(events, reported, strict=True):
        order, lines = event.body.order_id, event.body.lines
        if event.type == "order_cancelled" or (event.type == "order_refunded" and not lines):
            cancelled.add(order)
        elif event.type == "order_refunded":
            returned |= {(order, line.product_id) for line in lines}
        elif event.type == "order_completed":
            for line in lines:
                if first.setdefault((order, line.product_id), moment) > moment:
                    first[order, line.product_id] = moment
    kept: list[tuple[Line, ...]] = []
    for event, moment in zip(events, reported, strict=True):
        order = event.body.order_id
        bought = event.body.lines if event.type == "order_completed" and order not in cancelled else ()
        each = [((order, line.product_id), line) for line in bought]
        kept.append(tuple(line for key, line in each if first[key] is moment and key not in returned))
    return kept
