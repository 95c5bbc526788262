"""What was decided about a person before: read with every decision, so only the few fields that are needed of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec

from features.decisions import DECISION, Decided, Option
from features.latest import latest_of
from features.log import Log, Record, moment
from features.person import Person
from serving.decisions.schemas import ArmName

_PAGE = 200
_ALL = 2**31
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

    @cached_property
    def option(self) -> Option:
        """What was chosen; asked for several times a decision, and decoded once."""
        return _OPTION.decode(self.head.options[self.head.chosen])

    def decided(self) -> Decided:
        """All of it."""
        return _DECIDED.decode(self.record.payload)


def past_of(decisions: Log, people: Sequence[Person], until: Sequence[datetime]) -> list[list[Past]]:
    """Every decision about each person that was made until a moment of theirs, oldest first.

    Most persons have few. Of one who has more than a page all are read: an old answer may still stand, an old message
    still wait to be sent, and the first decision tells the arm.
    """
    found = latest_of(decisions, people, _PAGE, (DECISION,), until)
    for place, records in enumerate(found):
        if len(records) == _PAGE:
            (found[place],) = latest_of(decisions, [people[place]], _ALL, (DECISION,), [until[place]])
    return [sorted(map(Past.of, records), key=_when) for records in found]


def _when(one: Past) -> tuple[int, int]:
    return one.record.occurred_at, one.record.position
