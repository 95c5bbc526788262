import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.decisions.quiet_hours import LocalHours, is_open, open_minutes, open_spans
from serving.decisions.zones import zone_named
from tests.serving.decisions.clocks import CHANGING, ZONES, allowed, nights

_MINUTE = timedelta(minutes=1)
_minutes = st.integers(0, 1_439)
_hours = st.tuples(_minutes, _minutes).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: LocalHours(*pair))
_early = st.integers(0, 6 * 60)
_nightly = st.tuples(_early, _early).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: LocalHours(*pair))
"""Hours that begin and end where clocks are set."""


def _windows(
    start: datetime, end: datetime, zone: ZoneInfo, quiet: LocalHours | None, legal: LocalHours | None = None
) -> list[tuple[datetime, datetime]]:
    found = open_spans(int(start.timestamp()), int(end.timestamp()), zone, open_minutes(quiet, legal))
    return [(datetime.fromtimestamp(opens, UTC), datetime.fromtimestamp(closes, UTC)) for opens, closes in found]


def _judged(start: datetime, minutes: int, zone: ZoneInfo, quiet: LocalHours | None, legal: LocalHours | None) -> None:
    windows = _windows(start, start + minutes * _MINUTE, zone, quiet, legal)
    assert all(start <= opens < closes <= start + minutes * _MINUTE for opens, closes in windows)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(windows)), "apart, in order"
    place, day = 0, open_minutes(quiet, legal)
    for minute in range(minutes):
        at = start + minute * _MINUTE
        while place < len(windows) and windows[place][1] <= at:
            place += 1
        inside = place < len(windows) and windows[place][0] <= at
        assert inside == allowed(at, zone, quiet, legal) == is_open(at, zone, day), at.astimezone(zone)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(CHANGING),
    night=st.integers(0, 1),
    early=st.integers(0, 1_500),
    quiet=st.none() | _nightly | _hours,
    legal=st.none() | _hours,
)
def test_on_the_nights_when_clocks_are_set_a_window_holds_the_allowed_minutes_and_no_other(
    name: str, night: int, early: int, quiet: LocalHours | None, legal: LocalHours | None
) -> None:
    set_on = nights(name)
    _judged(set_on[min(night, len(set_on) - 1)] - early * _MINUTE, 2_880, zone_named(name), quiet, legal)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(ZONES), start=st.integers(0, 2_000_000), quiet=st.none() | _hours, legal=st.none() | _hours)
def test_everywhere_and_always_a_window_holds_the_allowed_minutes_and_no_other(
    name: str, start: int, quiet: LocalHours | None, legal: LocalHours | None
) -> None:
    _judged(datetime(2024, 1, 1, tzinfo=UTC) + start * _MINUTE, 1_600, zone_named(name), quiet, legal)


def test_an_hour_that_is_missing_ends_the_night_when_the_clock_jumps_over_it() -> None:
    noon = datetime(2026, 3, 28, 12, tzinfo=UTC)  # in Berlin 01:59 is followed by 03:00
    found = _windows(noon, noon + timedelta(days=1), zone_named("Europe/Berlin"), LocalHours.of("13:00-02:30"))
    assert found == [(datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 11, tzinfo=UTC))]


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    noon = datetime(2026, 10, 24, 12, tzinfo=UTC)  # in Berlin 02:59 is followed by 02:00
    found = _windows(noon, noon + timedelta(hours=20), zone_named("Europe/Berlin"), LocalHours.of("02:00-03:00"))
    assert found == [
        (noon, datetime(2026, 10, 25, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, tzinfo=UTC), noon + timedelta(hours=20)),
    ]


@settings(max_examples=40, deadline=None)
@given(quiet=_hours, legal=st.none() | _hours, margin=st.integers(0, 300), minute=_minutes)
def test_a_margin_leaves_open_what_is_open_for_every_clock_that_far_off(
    quiet: LocalHours, legal: LocalHours | None, margin: int, minute: int
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + minute * _MINUTE
    expected = allowed(at, zone_named("UTC"), quiet, legal, margin)
    assert is_open(at, zone_named("UTC"), open_minutes(quiet, legal, margin)) == expected


@pytest.mark.parametrize(
    "text", ["", "9-17", "09:00", "09:00-09:00", "25:00-09:00", "09:60-10:00", "21:00-24:01", "a-b"]
)
def test_what_are_no_hours_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="write them as 21:00-09:00"):
        LocalHours.of(text)


def test_midnight_may_be_written_as_the_end_of_a_day() -> None:
    assert LocalHours.of("09:00-24:00") == LocalHours.of("09:00-00:00")
