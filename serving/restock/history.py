"""Bought lines of one person, straight from the log: what a forecast is asked with, this minute's order included."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from features.identity import Person
from features.log import Log, Record
from features.purchases import ORDER_EVENTS, bought, last_day
from models.time_to_event.lines import Lines

_MOST_ORDERS = 5_000
"""Two orders a day for seven years; of a reseller with more, the latest are read."""


def orders_of(events: Log, person: Person, after: int = 0) -> list[Record]:
    """The order events of one person in the order of the log, at most the latest 5,000 behind position `after`."""
    found = events.of_person(person.user_ids, person.anonymous_ids, after, _MOST_ORDERS, types=ORDER_EVENTS)
    return [record for record in found if person.did(record.user_id)]


def lines_of(records: Sequence[Record], as_of: datetime) -> Lines:
    """What one person had bought and kept before `as_of`, from `orders_of`: the only customer, with code 0."""
    kept = bought(records, as_of)
    product_ids, products = np.unique(np.array([line.product_id for line in kept], object), return_inverse=True)
    return Lines.of(
        np.zeros(len(kept), np.int32),
        products.astype(np.int32),
        np.array([line.day for line in kept], np.int32),
        np.array([line.quantity for line in kept], np.float64),
        np.array([np.nan if line.price is None else line.price for line in kept], np.float64),
        product_ids,
        1,
        last_day(as_of),
    )
