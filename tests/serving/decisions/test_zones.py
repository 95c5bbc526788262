import itertools
import shutil
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.decisions.zones import is_zone, offset_at, place, stretches, zone_named
from tests.serving.decisions.clocks import CHANGING, ZONES

_HOUR = 3_600


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(ZONES), start=st.integers(1_577_836_800, 1_924_905_600), hours=st.integers(1, 9_000))
def test_stretches_cover_the_window_with_the_offsets_that_the_library_has(name: str, start: int, hours: int) -> None:
    zone, end = zone_named(name), start + hours * _HOUR
    found = stretches(zone, start, end)
    assert found[0][0] == start
    assert found[-1][1] == end
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    for since, until, offset in found:
        for at in (since, (since + until) // 2, until - 1):
            assert datetime.fromtimestamp(at, zone).utcoffset() == timedelta(seconds=offset)
            assert offset_at(zone, at) == offset


@pytest.mark.parametrize("name", CHANGING[::7])
def test_every_second_at_which_a_clock_is_set_is_found(name: str) -> None:
    zone = zone_named(name)
    start, end = (round(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2027))
    hourly = [datetime.fromtimestamp(at, zone).utcoffset() for at in range(start, end, _HOUR)]
    changes = sum(one != other for one, other in itertools.pairwise(hourly))
    found = stretches(zone, start, end)
    assert sum(one[2] != other[2] for one, other in itertools.pairwise(found)) == changes >= 1
    for (_, at, before), (_, _, after) in itertools.pairwise(found):
        if before != after:
            assert datetime.fromtimestamp(at - 1, zone).utcoffset() == timedelta(seconds=before)
            assert datetime.fromtimestamp(at, zone).utcoffset() == timedelta(seconds=after)


def test_whoever_is_trusted_most_and_says_something_is_believed() -> None:
    assert place(["Asia/Tokyo", "Europe/Paris"], "UTC").zone.key == "Asia/Tokyo"
    assert place([None, "Europe/Paris"], "UTC").zone.key == "Europe/Paris"
    found = place([None, "Mars/Olympus", ""], "Europe/Moscow")
    assert (found.zone.key, found.known) == ("Europe/Moscow", False)


@pytest.mark.parametrize(
    "name", ["", "../etc/passwd", "/etc/localtime", "America", "+03:00", "localtime", "Europe/Par\0is"]
)
def test_what_is_no_zone_says_nothing(name: str) -> None:
    assert not is_zone(name)
    assert not place([name], "UTC").known


def test_zones_are_those_of_the_package_whatever_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    shutil.copy(str(files("tzdata") / "zoneinfo/UTC"), tmp_path / "Europe/Berlin")
    winter = datetime(2026, 1, 1, tzinfo=UTC)
    zoneinfo.reset_tzpath([tmp_path])
    try:
        assert winter.astimezone(zoneinfo.ZoneInfo.no_cache("Europe/Berlin")).utcoffset() == timedelta(0)
        assert winter.astimezone(zone_named.__wrapped__("Europe/Berlin")).utcoffset() == timedelta(hours=1)
    finally:
        zoneinfo.reset_tzpath()


def test_an_unknown_zone_is_told_with_an_example() -> None:
    with pytest.raises(ValueError, match="Europe/Moscow"):
        zone_named("Mars/Olympus")
