"""What was decided about a person before: read with every decision, so only the few fields that are needed of each."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from features.decisions import DECISION, Decided, Option
from features.identity import Person
from features.log import Log, Record, microseconds, moment
from serving.decisions.schemas import ArmName

_MOST = 200
_OPTION = msgspec.json.Decoder(Option)
_DECIDED = msgspec.json.Decoder(Decided)


class _Head(msgspec.Struct, frozen=True):
    """A `Decided` without what takes time to decode: options stay as they were written."""

    decision_point: str
    customer_id: str
    trigger_id: str
    step: int
    arm: ArmName
    mode: str
    chosen: int
    valid_until: datetime
    options: tuple[msgspec.Raw, ...]


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True)
class Past:
    """One decision of the log. `head` is the part of it that is asked for often."""

    record: Record
    head: _Head

    @classmethod
    def of(cls, record: Record) -> "Past":
        """The decision of a record of the type `DECISION`."""
        return cls(record, _HEAD.decode(record.payload))

    @property
    def decision_id(self) -> str:
        """The key of the record."""
        return self.record.key

    @property
    def decided_at(self) -> datetime:
        """When it was made."""
        return moment(self.record.occurred_at)

    @property
    def option(self) -> Option:
        """What was chosen."""
        return _OPTION.decode(self.head.options[self.head.chosen])

    def decided(self) -> Decided:
        """All of it."""
        return _DECIDED.decode(self.record.payload)


def past_of(decisions: Log, person: Person, until: datetime) -> list[Past]:
    """The latest 200 decisions about a person that were made until then, oldest first."""
    found = decisions.of_person(person.user_ids, person.anonymous_ids, 0, _MOST, types=(DECISION,))
    last = microseconds(until)
    theirs = [record for record in found if record.occurred_at <= last and person.did(record.user_id)]
    return sorted((Past.of(record) for record in theirs), key=lambda one: (one.record.occurred_at, one.record.position))
