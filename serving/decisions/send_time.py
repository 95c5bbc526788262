"""How good each hour of the week is to write to one customer: by when they were there, and what is known of the others.

Without a live version of `send-time` nobody's hours are known, and those come first that the decision point prefers.
"""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from features.events import EVENT_TYPES
from features.latest import latest_of
from features.log import Log, moment
from features.person import Person
from models.arrays import Floats
from models.policies.hour_of_week import FittedHourOfWeek
from models.policies.rhythm import HOURS_OF_WEEK

MODEL = "send-time"
_ACTIVITY = tuple(sorted(name for name, kind in EVENT_TYPES.items() if kind.activity))
_MOST_EVENTS = 300
_HOUR = 3_600
_NOBODY = np.array([-1], np.int32)


def scores_of(model: FittedHourOfWeek, events: Log, person: Person, zone: ZoneInfo, at: datetime) -> list[float]:
    """The 168 scores of one customer, Monday's first hour on their own clock first: log ratios to the average hour.

    What was done on the site until `at` counts; openings of messages do not, as they say when the shop wrote.
    """
    (found,) = latest_of(events, [person], _MOST_EVENTS, _ACTIVITY, [at])
    there = visits([moment(record.occurred_at) for record in found], zone)
    scores: list[float] = model.scores(there[None, :], _NOBODY)[0].tolist()
    return scores


def visits(times: Iterable[datetime], zone: ZoneInfo) -> Floats:
    """How many visits fall into each of the 168 hours of the week on a clock in `zone`; an hour of a day is one visit.

    >>> from datetime import UTC
    >>> monday = datetime(2026, 11, 16, 8, 10, tzinfo=UTC)
    >>> float(visits([monday, monday.replace(minute=50)], ZoneInfo("Europe/Berlin"))[9])
    1.0
    """
    hours = {when.timestamp() // _HOUR: when for when in times}.values()
    local = [when.astimezone(zone) for when in hours]
    places = np.array([24 * when.weekday() + when.hour for when in local], np.int64)
    return np.bincount(places, minlength=HOURS_OF_WEEK).astype(np.float64)


def probe(model: FittedHourOfWeek) -> None:
    """See that a version answers about somebody of whom nothing is known. Raises ValueError when it does not."""
    told = model.scores(np.zeros((1, HOURS_OF_WEEK)), _NOBODY)
    if told.shape != (1, HOURS_OF_WEEK) or not np.isfinite(told).all():
        raise ValueError(f"{model.name} answers with scores of shape {told.shape} that are not 168 finite ones")
