"""The report `integration`: what of the shop's tracking arrives, and what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class EventTypeSeen:
    """One type of events: since when there are any, the latest, how many, and whether it has gone silent.

    `stale` says that nothing came for so long as is unusual: see `features/reports/stale.py`.
    """

    type: str
    first_hour: datetime
    last_received_at: datetime
    last_occurred_at: datetime
    today: int
    week: int
    total: int
    stale: bool


@dataclass(frozen=True)
class Refused:
    """Messages of the last seven days that met the same end. `type` is empty where it could not be told."""

    reason: str
    type: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class Unknown:
    """A product id that events name and the catalogue does not know."""

    product_id: str
    lines: int
    last_received_at: datetime


@dataclass(frozen=True)
class UnknownChannel:
    """A channel by which people withdrew or agreed, ever, and that the action bank does not name: it has no effect."""

    channel: str
    withdrawn: int
    granted: int
    last_received_at: datetime


@dataclass(frozen=True)
class UnknownPurpose:
    """A purpose for which people withdrew or agreed, ever, and that no channel of the action bank has: it has no
    effect. A shop may keep some that Kairos asks nothing about."""

    purpose: str
    withdrawn: int
    granted: int
    last_received_at: datetime


@dataclass(frozen=True)
class ClockSkew:
    """How the times of the events of seven days stand to ours: counts."""

    ahead: int
    at_once: int
    within_hour: int
    within_day: int
    older: int


@dataclass(frozen=True)
class Integration:
    """What came in the last seven days, and today by UTC; shares are None where there is nothing to divide by.

    `not_counted` is how many events at the end of the log are not in these numbers yet. `events_a_minute` is
    over this hour and the one before. `match_rate` is the share of
    lines whose product the catalogue knew when they were counted; `duplicate_rate` of messages that were sent again.
    `simulated` of the events are of made customers, whose lines count nowhere.
    """

    as_of: datetime
    computed_at: datetime
    not_counted: int
    types: tuple[EventTypeSeen, ...]
    rejected: tuple[Refused, ...]
    rejected_count: int
    duplicates: int
    ignored: int
    duplicate_rate: float | None
    reject_rate: float | None
    lines: int
    match_rate: float | None
    unknown_items: tuple[Unknown, ...]
    clock: ClockSkew
    events_by_day: tuple[tuple[datetime, int], ...]
    events_a_minute: float
    simulated: int = 0
    unknown_channels: tuple[UnknownChannel, ...] = ()
    unknown_purposes: tuple[UnknownPurpose, ...] = ()
