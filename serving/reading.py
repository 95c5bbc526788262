"""Reading visitors, many in a few statements: who they are, their rows of features, and what the log holds since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from features.customer_row import CustomerRow
from features.identity import Identities
from features.log import Log
from features.person import Person
from features.recent import Recent, tail
from features.stirred import stirred
from serving.feature_rows import Known
from serving.schemas import Subject
from serving.shown import shown_lately
from serving.visitor import HISTORY_LENGTH, Degraded, Visitor, visitor_of


@dataclass(frozen=True)
class Asked:
    """Who is asked about, by which features, and since when it counts what was shown."""

    subject: Subject
    features: tuple[str, ...]
    now: datetime
    shown_since: datetime | None


@dataclass(frozen=True)
class Reading:
    """Reads from these stores, in the thread of the caller. `known` tells what the feature store knows, or why not.

    Raises what the database raises.
    """

    events: Log
    decisions: Log
    identities: Identities
    known: Callable[[Sequence[Person], Sequence[str], datetime], tuple[Known | None, Degraded | None]]

    def read(self, asked: Sequence[Asked]) -> list[Visitor]:
        """A visitor for each; who names nobody is a stranger. Features differ only while a model is swapped."""
        subjects = [(one.subject.user_id, one.subject.anonymous_id) for one in asked]
        named = [place for place, subject in enumerate(subjects) if subject != (None, None)]
        people = dict(zip(named, self.identities.people([subjects[place] for place in named]), strict=True))
        rows: dict[int, list[CustomerRow]] = {}
        recents: dict[str, Recent] = {}
        degraded: dict[int, Degraded | None] = {}
        for features in dict.fromkeys(one.features for one in asked if one.features):
            those = {place: person for place, person in people.items() if asked[place].features == features}
            known, reason = self.known([*those.values()], features, asked[0].now)
            if known is not None:
                rows |= zip(those, known[0], strict=True)
                recents |= known[1]
            degraded |= dict.fromkeys(those, reason)
        quiet = self._quiet(people, rows)
        return [
            self._visitor(one, people[place], rows.get(place, []), recents, degraded.get(place), place in quiet)
            if place in people
            else Visitor()
            for place, one in enumerate(asked)
        ]

    def _quiet(self, people: Mapping[int, Person], rows: Mapping[int, Sequence[CustomerRow]]) -> frozenset[int]:
        """Who did nothing that his row does not know; asked of many at once, as it is so of most."""
        known = {place: _known_by(own) for place, own in rows.items() if own}
        if not known:
            return frozenset()
        after, since = min(after for after, _ in known.values()), min(since for _, since in known.values())
        moved = stirred(self.events, [people[place] for place in known], after, since)
        return frozenset(place for place, news in zip(known, moved, strict=True) if not news)

    def _visitor(
        self,
        asked: Asked,
        person: Person,
        rows: Sequence[CustomerRow],
        recents: Mapping[str, Recent],
        degraded: Degraded | None,
        quiet: bool,
    ) -> Visitor:
        after, as_of = _known_by(rows) if rows else (0, None)
        events = [] if quiet else tail(self.events, person, after, as_of, recents, HISTORY_LENGTH)
        visitor = visitor_of(rows, events, degraded)
        if asked.shown_since is None:
            return visitor
        shown = shown_lately(self.decisions, person, asked.shown_since, visitor.ids, visitor.days)
        return replace(visitor, shown=shown)


def _known_by(rows: Sequence[CustomerRow]) -> tuple[int, datetime]:
    """Up to which position of the log the rows of a person know it, and of which moment they are."""
    return max(int(row.values.get("log_position") or 0) for row in rows), rows[0].event_timestamp
