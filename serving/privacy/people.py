"""Who is to be treated as nobody, known in memory to every request: the suppressed, and who withdrew personalization.

Read anew every second in a thread of its own, which also does the jobs of erasure and export: one at a time, of whoever
serves. As long as nobody is suppressed and nobody withdrew, a question costs nothing.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Self, TypeVar

from features.events import Event
from features.identity import Identities
from features.log import Log
from features.person import Person
from features.privacy.personal import Withdrawals, ids_of
from features.privacy.suppression import Suppressions
from features.privacy.unlisted import Unlisted
from features.privacy.work import Places, work
from serving.follower import Follower
from serving.measures import Counter
from serving.privacy.put_aside import PutAsideRecords
from serving.restock.schemas import CartRequest, ForecastRequest
from serving.schemas import RecommendationRequest, Subject

REFRESH_SECONDS = 1.0
_EVERYBODY_AGAIN = 60
"""After so many looks, ids that were joined since are looked up anew, though nobody said anything."""

Restock = TypeVar("Restock", ForecastRequest, CartRequest)


class People:
    """What use cases ask about a person before they do anything; its thread looks and works as long as a `with` lasts.

    `changed` is called when the suppression list changes: whatever is remembered of persons in memory is forgotten.
    """

    def __init__(
        self,
        places: Places,
        events: Log,
        identities: Identities,
        aside: PutAsideRecords,
        changed: Callable[[], None],
        clock: Callable[[], datetime],
        failures: Counter,
    ) -> None:
        self.places = places
        self.events = events
        self.identities = identities
        self.aside = aside
        self.changed = changed
        self.clock = clock
        self.withdrawals = Withdrawals(places.engine)
        self._listed = self.suppressions.revision
        self._put_aside_until = -1
        self._withdrawn: frozenset[tuple[str, str]] = frozenset()
        self._said: tuple[int, ...] | None = None
        self._looks = 0
        self._refreshing = threading.Lock()
        self._follower = Follower("privacy", self.look, REFRESH_SECONDS, failures)
        self.refresh()

    @property
    def suppressions(self) -> Suppressions:
        """The suppression list."""
        return self.places.suppressions

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.close()  # a job that it has taken is taken up by the next

    def wake(self) -> None:
        """Look now: there is something to do."""
        self._follower.wake()

    def look(self) -> None:
        """Read both lists, do a step of what waits to be done, and forget what was put aside here of the listed."""
        self.refresh()
        if work(self.places, self.clock) is not None:
            self.wake()
        if (revision := self.suppressions.revision) != self._put_aside_until:
            self.aside.erase_listed(self.suppressions)
            self._put_aside_until = revision

    def refresh(self) -> None:
        """Read both lists anew where they have changed.

        One at a time: who began before somebody withdrew must not put back what he read then.
        """
        with self._refreshing:
            self.catch_up()
            self.withdrawals.catch_up(self.events)
            self._looks += 1
            said = self.withdrawals.said()
            if said != self._said or (said[0] and self._looks % _EVERYBODY_AGAIN == 0):
                self._withdrawn = ids_of(self.withdrawals.people(self.identities))
                self._said = said

    def catch_up(self) -> None:
        """Know who was suppressed until this moment, whatever replica was told: for whoever decides what is sent."""
        self.suppressions.refresh()  # as do others, who do not tell anybody
        if (revision := self.suppressions.revision) != self._listed:
            self.changed()
            self._listed = revision

    def suppressed(self, person: Person) -> bool:
        """Whether a person is on the suppression list, by any id."""
        return self.suppressions.has_any(person)

    def unlisted(self, people: Sequence[Person]) -> list[bool]:
        """Of each, whether a list of people to write to leaves them out: by every word that the log has by now."""
        self.catch_up()
        self.withdrawals.catch_up(self.events)
        return Unlisted(self.suppressions, self.withdrawals, self.events, self.identities).among(people)

    def impersonal(self, user_id: str | None, anonymous_id: str | None) -> bool:
        """Whether this one is to be answered as nobody is; who names a user is that user, whoever used the device."""
        if self.suppressions.has(user_id, anonymous_id):
            return True
        if not self._withdrawn:
            return False
        return (("user", user_id) if user_id is not None else ("anonymous", anonymous_id)) in self._withdrawn

    def request(self, request: RecommendationRequest) -> RecommendationRequest:
        """The request, in nobody's name where it is in that of one who is to be answered as nobody is."""
        subject = request.subject
        if not self.impersonal(subject.user_id, subject.anonymous_id):
            return request
        return request.model_copy(update={"subject": Subject()})

    def asked(self, request: Restock) -> Restock:
        """A request about restocking, in nobody's name where it is in that of one who is suppressed."""
        if not self.suppressions.has(request.subject.user_id, request.subject.anonymous_id):
            return request
        return request.model_copy(update={"subject": Subject()})

    def admitted(self, event: Event) -> Event | None:
        """The event as it may be kept; None where it is of somebody who is suppressed."""
        return self.suppressions.admitted(event)
