"""Clocks judged the slow way, minute by minute by the standard library, and the nights on which they are set."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from serving.decisions.quiet_hours import LocalHours
from serving.decisions.zones import zone_named, zone_names

ZONES = sorted(zone_names())


def within(hours: LocalHours, minute: int) -> bool:
    if hours.start < hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def allowed(at: datetime, zone: ZoneInfo, quiet: LocalHours | None, legal: LocalHours | None, margin: int = 0) -> bool:
    """Whether the clock, and every clock up to `margin` minutes off, shows legal hours that are not quiet."""
    local = at.astimezone(zone)
    minutes = [(60 * local.hour + local.minute + shift) % 1_440 for shift in range(-margin, margin + 1)]
    return not any(
        (quiet is not None and within(quiet, minute)) or (legal is not None and not within(legal, minute))
        for minute in minutes
    )


@cache
def nights(name: str, year: int = 2026) -> tuple[datetime, ...]:
    """The noons before a zone's clock is set, in UTC; none where it never is."""
    zone = zone_named(name)
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
    return tuple(
        noon
        for noon in noons
        if noon.astimezone(zone).utcoffset() != (noon + timedelta(days=1)).astimezone(zone).utcoffset()
    )


CHANGING = [name for name in ZONES if nights(name)]
