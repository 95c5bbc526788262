"""Bought lines of one person, straight from the log: what a forecast is asked with, this minute's order included.

Who opens an application asks several times within minutes, and nearly always has bought nothing in between. So the
lines of those who asked last are kept, up to the position of the log that they were read at. What came behind it is
looked for each time, and anything there means to read all of it again, as a refund changes what was bought before.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from features.log import Log, Record, microseconds
from features.person import Person
from features.purchases import ORDER_EVENTS, bought, last_day
from models.time_to_event.lines import Lines

_MOST_ORDERS = 5_000
"""Two orders a day for seven years; of a reseller with more, the latest are read."""

_MOST_LINES = 500_000
"""Lines that are kept, of everybody together: some 50 MB."""


@dataclass(frozen=True)
class _Kept:
    """The lines of one person, complete up to `position` of the log and as of any moment after `latest`."""

    position: int
    latest: int
    lines: Lines


class OrderHistories:
    """Reads persons' lines from `events`, and keeps those asked for last: `most` lines at most."""

    def __init__(self, events: Log, most: int = _MOST_LINES) -> None:
        self.events = events
        self.most = most
        self._kept: OrderedDict[Person, _Kept] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def kept_lines(self) -> int:
        """How many lines are kept."""
        return self._size

    def forget(self) -> None:
        """Keep nobody's lines: somebody was erased."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def lines(self, person: Person, as_of: datetime) -> Lines:
        """What a person had bought and kept before `as_of`: as `lines_of` of everything in the log at this moment."""
        with self._lock:
            known = self._kept.get(person)
            if known is not None:
                self._kept.move_to_end(person)
        complete = known is not None and known.latest < microseconds(as_of)
        if known is not None and complete and not orders_of(self.events, person, known.position):
            return replace(known.lines, day=last_day(as_of))
        records = orders_of(self.events, person)
        lines = lines_of(records, as_of)
        latest = max((record.occurred_at for record in records), default=0)
        if records and latest < microseconds(as_of):
            self._keep(person, _Kept(records[-1].position, latest, lines))
        return lines

    def _keep(self, person: Person, kept: _Kept) -> None:
        with self._lock:
            before = self._kept.pop(person, None)
            self._kept[person] = kept
            self._size += len(kept.lines.days) - (0 if before is None else len(before.lines.days))
            while self._size > self.most:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.lines.days)


def orders_of(events: Log, person: Person, after: int = 0) -> list[Record]:
    """The order events of one person in the order of the log, at most the latest 5,000 behind position `after`."""
    found = events.of_person(person.user_ids, person.anonymous_ids, after, _MOST_ORDERS, types=ORDER_EVENTS)
    return [record for record in found if person.did(record.user_id)]


def lines_of(records: Sequence[Record], as_of: datetime) -> Lines:
    """What one person had bought and kept before `as_of`, from `orders_of`: the only customer, with code 0."""
    kept = bought(records, as_of)
    product_ids = sorted({line.product_id for line in kept})
    places = {id_: code for code, id_ in enumerate(product_ids)}
    return Lines.of(
        np.zeros(len(kept), np.int32),
        np.array([places[line.product_id] for line in kept], np.int32),
        np.array([line.day for line in kept], np.int32),
        np.array([line.quantity for line in kept], np.float64),
        np.array([np.nan if line.price is None else line.price for line in kept], np.float64),
        np.array(product_ids, object),
        1,
        last_day(as_of),
    )
