"""The clock of an event falls into one bucket."""

from datetime import timedelta

from sqlalchemy import Engine

from features.activity import Activity
from features.log import EVENTS, Log
from features.tallies import SKEWS
from tests.features.counted import event, everything


def test_the_clock_of_an_event_falls_into_one_bucket(engine: Engine) -> None:
    minute = timedelta(minutes=1)
    cases = {
        "ahead": [-2 * minute, -minute - timedelta(microseconds=1)],
        "at_once": [timedelta(), minute, -minute],
        "within_hour": [minute + timedelta(microseconds=1), timedelta(hours=1)],
        "within_day": [timedelta(hours=2), timedelta(days=1)],
        "older": [timedelta(days=1, microseconds=1), timedelta(days=900)],
    }
    late = [one for lates in cases.values() for one in lates]
    Log(engine, EVENTS).append([event(number, late=one) for number, one in enumerate(late)])
    found = Activity(engine)
    everything(found)
    (tally,) = found.types("event")
    assert dict(zip(SKEWS, tally.skews, strict=True)) == {name: len(lates) for name, lates in cases.items()}
