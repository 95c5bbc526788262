"""Everybody who was scored, and who of them did something since: those are forecast anew before they are answered.

The table is hours old. Whoever bought this minute, took an order back, refused a prepared cart or turned out to be
somebody else must not be answered from it.
"""

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from features.events import RESTOCK_FEEDBACK
from features.identity import Identities, Person, default_customer
from features.log import Log, Record, from_record
from features.purchases import ORDER_EVENTS
from features.restock_table import RestockTable
from models.arrays import Mask

_LINKING = "aliased"
_TYPES = (*ORDER_EVENTS, RESTOCK_FEEDBACK, _LINKING)
_BATCH = 5_000
_MOST_FEEDBACK = 100_000
_ANONYMOUS = default_customer(None, "")


class ScoredCustomers:
    """The rows of `table`, and the persons whose rows no longer hold: `catch_up` reads what the log has since then."""

    def __init__(self, table: RestockTable, events: Log, identities: Identities) -> None:
        self.table = table
        self.events = events
        self.identities = identities
        self._position = table.log_position
        self._people: dict[str, Person] = {}
        self._stale = np.zeros(len(table.customer_ids), bool)
        self._lock = threading.Lock()

    def catch_up(self) -> tuple[Mapping[str, Person], Mask]:
        """Who did something since the table was made, by customer id, and a mask of the customers that lost their rows.

        Both are as of everything that is in the log when this is called.
        """
        with self._lock:
            upto = self.events.last_position()
            if self._position < upto:
                self._join(self.events.named_together(self._position, upto))
            while self._position < upto and (records := self.events.read(self._position, _BATCH, _TYPES)):
                self._take(records)
                self._position = min(records[-1].position, upto)
            self._position = max(self._position, upto)
            return dict(self._people), self._stale.copy()

    def person(self, customer_id: str) -> Person:
        """Who a customer of the table is, as long as nothing happened since."""
        own = customer_id.removeprefix(_ANONYMOUS)
        return Person(customer_id, (), (own,)) if own != customer_id else Person(customer_id, (customer_id,), ())

    def gave_feedback(self, customer_ids: Sequence[str]) -> Mapping[str, Person]:
        """Those of the customers who ever said something of a prepared cart, of which the table knows nothing."""
        people = [self.person(id_) for id_ in customer_ids]
        users = [id_ for person in people for id_ in person.user_ids]
        visitors = [id_ for person in people for id_ in person.anonymous_ids]
        found = self.events.of_person(users, visitors, limit=_MOST_FEEDBACK, types=(RESTOCK_FEEDBACK,))
        told = {id_ for record in found for id_ in (record.user_id, default_customer(None, record.anonymous_id))}
        return {
            person.customer_id: self.identities.person(
                next(iter(person.user_ids), None), next(iter(person.anonymous_ids), None)
            )
            for person in people
            if person.customer_id in told
        }

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
            self._people.pop(id_, None)
            place = self.table.place(id_)
            if place is not None:
                self._stale[place] = True
        self._people[person.customer_id] = person
