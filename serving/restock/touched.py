"""Everybody who was scored, and who of them did something since: those are forecast anew before they are answered.

The table is hours old. Whoever bought this minute, took an order back, refused a prepared cart or turned out to be
somebody else must not be answered from it.
"""

import threading
from collections.abc import Sequence, Set

import numpy as np

from features.events import RESTOCK_FEEDBACK
from features.identity import Identities
from features.log import Log, Record, from_record
from features.person import Person, default_customer, person_of
from features.purchases import ORDER_EVENTS
from features.restock_table import RestockTable
from models.arrays import Mask
from serving.restock.soonest import Soonest

_LINKING = "aliased"
_TYPES = (*ORDER_EVENTS, RESTOCK_FEEDBACK, _LINKING)
_BATCH = 5_000
_MOST_FEEDBACK = 100_000

MOST_TOUCHED = 500_000
"""Some 60 MB of ids. With more than these a table has nothing left to say: it is of too long ago for such a shop."""


class ScoredCustomers:
    """The rows of `table`, and the ids of customers whose rows no longer hold: `catch_up` reads what the log has since.

    With more than `most` of them it is `outdated`, remembers nobody and reads no further.
    """

    def __init__(self, table: RestockTable, events: Log, identities: Identities, most: int = MOST_TOUCHED) -> None:
        self.table = table
        self.soonest = Soonest.of(table)
        self.events = events
        self.identities = identities
        self.most = most
        self.outdated = False
        self._position = table.log_position
        self._touched: set[str] = set()
        self._stale = np.zeros(len(table.customer_ids), bool)
        self._lock = threading.Lock()

    def catch_up(self) -> tuple[Set[str], Mask]:
        """The ids of those who did something since the table was made, and a mask of customers who lost their rows.

        Both are as of everything that is in the log when this is called.
        """
        with self._lock:
            if self.outdated:
                return frozenset(), np.ones_like(self._stale)
            upto = self.events.last_position()
            if self._position < upto:
                self._join(self.events.named_together(self._position, upto))
            while self._position < upto and (records := self.events.read(self._position, _BATCH, _TYPES)):
                self._take(records)
                self._position = min(records[-1].position, upto)
                if len(self._touched) > self.most:
                    self.outdated = True
                    self._touched.clear()
                    return frozenset(), np.ones_like(self._stale)
            self._position = max(self._position, upto)
            return frozenset(self._touched), self._stale.copy()

    def known(self, customer_id: str) -> Person:
        """Who somebody is who did something since: every id of theirs."""
        person = person_of(customer_id)
        return self.identities.person(next(iter(person.user_ids), None), next(iter(person.anonymous_ids), None))

    def gave_feedback(self, customer_ids: Sequence[str]) -> Set[str]:
        """Those of the customers who ever said something of a prepared cart, of which the table knows nothing."""
        people = [person_of(id_) for id_ in customer_ids]
        users = [id_ for person in people for id_ in person.user_ids]
        visitors = [id_ for person in people for id_ in person.anonymous_ids]
        found = self.events.of_person(users, visitors, limit=_MOST_FEEDBACK, types=(RESTOCK_FEEDBACK,))
        told = {id_ for record in found for id_ in (record.user_id, default_customer(None, record.anonymous_id))}
        return {id_ for id_ in customer_ids if id_ in told}

    def _take(self, records: Sequence[Record]) -> None:
        # links are recorded right after the log, so the log may be a moment ahead; seeing one twice changes nothing
        self.identities.observe([from_record(record) for record in records if record.type == _LINKING])
        for user_id, anonymous_id in {(record.user_id, record.anonymous_id) for record in records}:
            self._touch(user_id, anonymous_id)

    def _join(self, together: Sequence[tuple[str, str]]) -> None:
        """Any event of a customer names the device too; only the visitors who have rows of their own matter."""
        for user_id, anonymous_id in together:
            if self.table.place(default_customer(None, anonymous_id)) is not None:
                self._touch(user_id, anonymous_id)

    def _touch(self, user_id: str | None, anonymous_id: str | None) -> None:
        person = self.identities.person(user_id, anonymous_id)
        own = (default_customer(None, id_) for id_ in person.anonymous_ids)
        for id_ in {person.customer_id, *person.user_ids, *own}:
            self._touched.discard(id_)
            place = self.table.place(id_)
            if place is not None:
                self._stale[place] = True
        self._touched.add(person.customer_id)
