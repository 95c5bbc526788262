"""Whom lists of people to write to leave out, whatever they order later: who said no, until they say yes again.

A list names no channel, so a word about one channel says nothing here; the rules of a decision know it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from features.consent_words import consents_of
from features.contact import ANY, Contact
from features.identity import Identities
from features.log import EVENTS, Log
from features.person import Person
from features.privacy.personal import PURPOSE, Withdrawals
from features.privacy.suppression import Suppressions

_AT_ONCE = 500


@dataclass(frozen=True)
class Unlisted:
    """Who is left out as of everything in the log, when the list, `withdrawals` and `identities` caught up with it."""

    suppressions: Suppressions
    withdrawals: Withdrawals
    log: Log
    identities: Identities

    @classmethod
    def now(cls, engine: Engine, secret: bytes) -> "Unlisted":
        """As of what the database behind `engine` holds, for verbs; `secret` is that of the suppression list."""
        log, identities, withdrawals = Log(engine, EVENTS), Identities(engine), Withdrawals(engine)
        identities.catch_up(log)
        withdrawals.catch_up(log)
        return cls(Suppressions(engine, secret), withdrawals, log, identities)

    def among(self, people: Sequence[Person]) -> list[bool]:
        """Of each, whether a list leaves them out: by what was said under any id of theirs, given one of them."""
        found: list[bool] = []
        for given, whole in self._wholly(people):
            left = [left_everything(Contact(consents=said)) for said in consents_of(self.log, whole)]
            found += map(any, zip(self._refused(given, whole), left, strict=True))
        return found

    def unknown(self, people: Sequence[Person]) -> list[bool]:
        """Of each, whether they were erased or do not want to be known: by any id of theirs, given one of them.

        For what goes to everybody else, whoever of them may be written to.
        """
        if not self.suppressions.anybody() and not self.withdrawals.anybody():
            return [False] * len(people)
        found: list[bool] = []
        for given, whole in self._wholly(people):
            found += self._refused(given, whole)
        return found

    def _wholly(self, people: Sequence[Person]) -> Iterator[tuple[Sequence[Person], Sequence[Person]]]:
        """Persons as they were given, and with all ids of theirs."""
        for first in range(0, len(people), _AT_ONCE):
            given = people[first : first + _AT_ONCE]
            yield given, self.identities.people([_subject(person) for person in given])

    def _refused(self, given: Sequence[Person], whole: Sequence[Person]) -> list[bool]:
        """Withdrawn is what was said last under all ids; a list of hashes is asked about those that were given, too."""
        withdrawn, listed = self.withdrawals.among(whole), self.suppressions.has_any
        return [
            said or listed(one) or listed(person) for said, one, person in zip(withdrawn, given, whole, strict=True)
        ]


def left_everything(contact: Contact) -> bool:
    """Whether somebody unsubscribed from all channels at once, and holds to no consent that they gave since.

    >>> from datetime import UTC, datetime
    >>> from features.contact import Said
    >>> monday, friday, sunday = (datetime(2026, 11, day, tzinfo=UTC) for day in (16, 20, 22))
    >>> left, agreed = {("", ""): Said("withdrawn", monday)}, {("sms", "carts"): Said("granted", friday)}
    >>> left_everything(Contact(consents=left)), left_everything(Contact(consents=left | agreed))
    (True, False)
    >>> left_everything(Contact(consents=left | agreed | {("sms", ""): Said("withdrawn", sunday)}))
    True
    """
    if contact.consent(ANY) != "withdrawn":
        return False
    return not any(
        purpose != PURPOSE and contact.consent(channel, purpose) == "granted" for channel, purpose in contact.consents
    )


def _subject(person: Person) -> tuple[str | None, str | None]:
    return next(iter(person.user_ids), None), next(iter(person.anonymous_ids), None)
