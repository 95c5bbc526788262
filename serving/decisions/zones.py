"""Time zones: which one a customer is in, and since when which offset held there.

Zones are those of the package `tzdata`, and not of the machine: governments change clocks at a few months' notice, and
the zones of a system image are as old as the image. Measured on one of 2025: a year later it had 15 zones wrong, those
of Vancouver and Casablanca by an hour all winter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_PROBE = 21_600
"""Seconds between two looks at an offset; no zone was ever set forward and back within six hours."""

_NO_PLACE = {"Factory"}


@dataclass(frozen=True)
class Place:
    """Where a customer's clock hangs; `known` is False when nobody said so and the shop's zone stands in."""

    zone: ZoneInfo
    known: bool


def place(names: Sequence[str | None], shop: str) -> Place:
    """The first of `names` that is a zone, else the zone of the `shop`.

    Give them in order of trust: the request's, then what the customer's events said last. What is no IANA name, an
    offset or a typing error, says nothing.

    >>> place([None, "Nowhere/Land", "Asia/Tokyo"], "Europe/Moscow").zone.key
    'Asia/Tokyo'
    >>> place([None], "Europe/Moscow").known
    False
    """
    for name in names:
        if name is not None and is_zone(name):
            return Place(zone_named(name), True)
    return Place(zone_named(shop), False)


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone; what stands for the zone of a machine is none."""
    return name in zone_names()


@cache
def zone_names() -> frozenset[str]:
    """All there are."""
    return frozenset((files("tzdata") / "zones").read_text().split()) - _NO_PLACE


@cache
def zone_named(name: str) -> ZoneInfo:
    """The zone of this name, always the same object. Raises ValueError when there is none."""
    if not is_zone(name):
        raise ValueError(f"{name!r} is no IANA time zone; write e.g. Europe/Moscow")
    with (files("tzdata") / "zoneinfo" / name).open("rb") as told:
        return ZoneInfo.from_file(told, key=name)


def stretches(zone: ZoneInfo, start: int, end: int) -> list[tuple[int, int, int]]:
    """[start, end), in seconds since 1970 UTC, cut where the offset changes: (from, until, offset in seconds) each."""
    found = []
    for year in range(_year(start), _year(max(end - 1, start)) + 1):
        opens, closes = _first(year), _first(year + 1)
        changes = _offsets(zone, year)
        for (since, offset), until in zip(changes, [*(at for at, _ in changes[1:]), closes], strict=True):
            a, b = max(since, opens, start), min(until, end)
            if a < b:
                found.append((a, b, offset))
    return found


def offset_at(zone: ZoneInfo, at: int) -> int:
    """Seconds by which a clock in `zone` is ahead of UTC at `at`, in seconds since 1970."""
    changes = _offsets(zone, _year(at))
    return changes[bisect_right(changes, at, key=lambda change: change[0]) - 1][1]


@lru_cache(maxsize=4_096)
def _offsets(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """(since when, offset) of a year, from its first second on; zoneinfo does not tell, so it is asked and bisected."""
    at, end = _first(year), _first(year + 1)
    changes = [(at, _asked(zone, at))]
    while at < end - 1:
        later = min(at + _PROBE, end - 1)
        if _asked(zone, later) != changes[-1][1]:
            before, since = at, later
            while since - before > 1:
                middle = (before + since) // 2
                before, since = (middle, since) if _asked(zone, middle) == changes[-1][1] else (before, middle)
            changes.append((since, _asked(zone, since)))
        at = later
    return tuple(changes)


def _asked(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None  # noqa: S101  # a ZoneInfo always has one
    return round(offset.total_seconds())


def _year(at: int) -> int:
    return datetime.fromtimestamp(at, UTC).year


@lru_cache(maxsize=256)
def _first(year: int) -> int:
    return round(datetime(year, 1, 1, tzinfo=UTC).timestamp())
