"""Whom lists of people to write to leave out, whatever they order later: who said no, until they say yes again.

A list names no channel, so a word about one channel says nothing here; the rules of a decision know it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from features.contact import ANY, CONSENT_EVENTS, Contact, contact_of
from features.identity import Identities, Person
from features.latest import latest_of
from features.log import EVENTS, Log, from_record
from features.privacy.personal import PURPOSE, Withdrawals, ids_of
from features.privacy.suppression import Suppressions

_MOST = 1_000
"""Words of one person, the newest."""

_AT_ONCE = 500
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Unlisted:
    """Who is left out as of everything in the log: `withdrawn` are all ids of those who do not want to be known."""

    suppressions: Suppressions
    withdrawn: frozenset[tuple[str, str]]
    log: Log
    identities: Identities

    @classmethod
    def now(cls, engine: Engine, secret: bytes) -> "Unlisted":
        """As of what the database behind `engine` holds, for verbs; `secret` is that of the suppression list."""
        log, identities, withdrawals = Log(engine, EVENTS), Identities(engine), Withdrawals(engine)
        identities.catch_up(log)
        withdrawals.catch_up(log)
        return cls(Suppressions(engine, secret), ids_of(withdrawals.people(identities)), log, identities)

    def among(self, people: Sequence[Person]) -> list[bool]:
        """Of each, whether a list leaves them out: by what was said under any id of theirs, given one of them."""
        found: list[bool] = []
        for first in range(0, len(people), _AT_ONCE):
            given = people[first : first + _AT_ONCE]
            whole = self.identities.people([_subject(person) for person in given])
            words = latest_of(self.log, whole, _MOST, CONSENT_EVENTS)
            found += [
                self._refused(one)
                or self._refused(person)
                or left_everything(contact_of([from_record(record) for record in records], _EVER))
                for one, person, records in zip(given, whole, words, strict=True)
            ]
        return found

    def _refused(self, person: Person) -> bool:
        return self.suppressions.has_any(person) or not self.withdrawn.isdisjoint(ids_of([person]))


def left_everything(contact: Contact) -> bool:
    """Whether somebody unsubscribed from all channels at once, and agreed to be written to by none since.

    >>> from features.contact import Said
    >>> monday, friday = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    >>> left, agreed = {("", ""): Said("withdrawn", monday)}, {("sms", "carts"): Said("granted", friday)}
    >>> left_everything(Contact(consents=left)), left_everything(Contact(consents=left | agreed))
    (True, False)
    """
    left = contact.consents.get((ANY, ANY))
    if left is None or left.consent != "withdrawn":
        return False
    return not any(
        said.consent == "granted" and said.at > left.at and purpose != PURPOSE
        for (_, purpose), said in contact.consents.items()
    )


def _subject(person: Person) -> tuple[str | None, str | None]:
    return next(iter(person.user_ids), None), next(iter(person.anonymous_ids), None)
