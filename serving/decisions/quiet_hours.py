"""Hours of the day on the customer's own clock, and the instants of a window that they leave open.

A clock on the wall is set forward and back: an hour may be missing or come twice. Instants are therefore judged by what
the clock shows at them, within stretches of one offset, and never found by going from a local time to an instant.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from serving.decisions.zones import stretches

_DAY = 86_400
_MINUTES = 1_440

Spans = list[tuple[int, int]]
"""Half-open intervals in seconds since 1970 UTC, in order, apart from each other."""


@dataclass(frozen=True)
class LocalHours:
    """From `start` until before `end`, in minutes of the local day; over midnight when the end is the earlier one.

    >>> night = LocalHours.of("21:00-09:00")
    >>> night, str(night)
    (LocalHours(start=1260, end=540), '21:00-09:00')
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < _MINUTES or not 0 <= self.end < _MINUTES or self.start == self.end:
            raise ValueError(f"{self.start} to {self.end} are no two different minutes of a day, 0 to {_MINUTES - 1}")

    @classmethod
    def of(cls, text: str) -> "LocalHours":
        """From text as `21:00-09:00`; `24:00` is midnight. Raises ValueError for anything else."""
        try:
            start, end = (_minute(part) for part in text.split("-"))
            return cls(start, end)
        except ValueError:
            raise ValueError(f"{text!r} are no hours; write them as 21:00-09:00, with two different times") from None

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.start, self.end))


def open_spans(start: int, end: int, zone: ZoneInfo, minutes: tuple[tuple[int, int], ...]) -> Spans:
    """The intervals of [start, end), in seconds since 1970, in which a clock in `zone` shows one of the open `minutes`.

    >>> day, minutes = 1_774_742_400, open_minutes(LocalHours.of("21:00-09:00"))  # clocks go forward in Berlin
    >>> found = open_spans(day, day + _DAY, ZoneInfo("Europe/Berlin"), minutes)
    >>> [((opens - day) / 3600, (closes - day) / 3600) for opens, closes in found]
    [(7.0, 19.0)]
    """
    found: Spans = []
    for day in range(start // _DAY, -(-end // _DAY)):
        for opens, closes in _of_day(day, zone, minutes):
            a, b = max(opens, start), min(closes, end)
            if a < b:
                _join(found, a, b)
    return found


@lru_cache(maxsize=4_096)
def _of_day(day: int, zone: ZoneInfo, minutes: tuple[tuple[int, int], ...]) -> Spans:
    """The same of one day of UTC, a number of days since 1970: the same for everybody, and not to be changed."""
    found: Spans = []
    for since, until, offset in stretches(zone, day * _DAY, (day + 1) * _DAY):
        for local in range((since + offset) // _DAY * _DAY - offset, until, _DAY):
            for opens, closes in minutes:
                a, b = max(local + 60 * opens, since), min(local + 60 * closes, until)
                if a < b:
                    _join(found, a, b)
    return found


def _join(found: Spans, opens: int, closes: int) -> None:
    """One interval more, which begins where the last one ended or behind it."""
    if found and found[-1][1] == opens:
        found[-1] = (found[-1][0], closes)
    else:
        found.append((opens, closes))


def is_open(at: datetime, zone: ZoneInfo, minutes: tuple[tuple[int, int], ...]) -> bool:
    """Whether a clock in `zone` shows one of the open `minutes` at that instant."""
    local = at.astimezone(zone)
    minute = 60 * local.hour + local.minute
    return any(opens <= minute < closes for opens, closes in minutes)


@lru_cache(maxsize=1_024)
def open_minutes(
    quiet: LocalHours | None, legal: LocalHours | None = None, margin: int = 0
) -> tuple[tuple[int, int], ...]:
    """The intervals of minutes of a day that are legal and not quiet, and at least `margin` minutes from what is not.

    >>> open_minutes(LocalHours.of("21:00-09:00"), margin=120)
    ((660, 1140),)
    """
    is_open = np.ones(_MINUTES, bool)
    if legal is not None:
        is_open &= _within(legal)
    if quiet is not None:
        is_open &= ~_within(quiet)
    closed = np.flatnonzero(~is_open)
    for shift in range(-margin, margin + 1):
        is_open[(closed + shift) % _MINUTES] = False
    edges = np.flatnonzero(np.diff(is_open, prepend=False, append=False)).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def _within(hours: LocalHours) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    minute = np.arange(_MINUTES)
    since = (minute - hours.start) % _MINUTES
    return np.asarray(since < (hours.end - hours.start) % _MINUTES)


def _minute(text: str) -> int:
    hour, minute = text.strip().split(":")
    found = 60 * int(hour) + int(minute)
    if len(minute) != 2 or not 0 <= int(minute) < 60 or not 0 <= found <= _MINUTES:
        raise ValueError(text)
    return found % _MINUTES
