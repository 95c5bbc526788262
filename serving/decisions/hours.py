"""The times within a delay that are worth offering: few, apart from each other, each with the score of its own hour.

Where closed hours hide the best time, the times next to them are candidates of their own, with the scores that they
have themselves: nothing is ever moved to the edge of a window that it was not chosen for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.policies.rhythm import HOURS_OF_WEEK
from serving.decisions.quiet_hours import Spans, open_spans
from serving.decisions.zones import offset_at, stretches

_HOUR, _DAY = 3_600, 86_400
_THURSDAY = 72
"""The hour of the week with which 1970 began."""

_BEFORE_CLOSING = 900
"""Seconds between the last time of a window and its end: an engine takes a while to send."""

_FIRST_CHOICE = 0.75
"""How much nearer an hour must be to the next of the preferred hours to come before one near the first, in hours."""

Scores = Sequence[float]


class Slot(NamedTuple):
    """An instant in seconds since 1970, with the offset of the customer's clock, and how good the hour is for them.

    `hour_of_week` is what the clock shows, 0 for the first hour of Monday.
    """

    at: int
    offset: int
    hour_of_week: int
    score: float

    @property
    def hour(self) -> int:
        """The hour of the day that the clock shows."""
        return self.hour_of_week % 24


@dataclass(frozen=True)
class Times:
    """What a delay offers: one slot in each three hours of the clock that are open, `ranked` from the best on.

    `earliest` is the first open instant. `edges` are where windows end and begin around a time that would have been
    better than all of `ranked`, were it open.
    """

    earliest: Slot
    ranked: tuple[Slot, ...]
    edges: tuple[Slot, ...]


def times(
    zone: ZoneInfo,
    since: int,
    until: int,
    minutes: tuple[tuple[int, int], ...],
    scores: Scores | None,
    preferred: tuple[int, ...],
) -> Times | None:
    """The times of [since, until), in seconds since 1970, whose minute of the day is open in `zone`; None without any.

    `scores` are those of the hours of the week; without them hours near the first of the `preferred` come first, and
    the score of each is 0.

    >>> berlin, noon = ZoneInfo("Europe/Berlin"), 1_774_699_200
    >>> found = times(berlin, noon, noon + _DAY, ((540, 1260),), None, (19, 10))
    >>> [slot.hour for slot in found.ranked]
    [19, 10, 17, 12]
    """
    spans = open_spans(since, until, zone, minutes)
    if not spans:
        return None
    slots = _slots(zone, spans, until, scores)
    worth = _preferences(preferred) if scores is None else scores
    best: dict[int, tuple[float, int, Slot]] = {}
    for slot in slots:
        hour, three = slot.hour_of_week, slot.hour_of_week % 24 // 3
        if three not in best or worth[hour] > -best[three][0]:
            best[three] = (-worth[hour], slot.at, slot)
    ranked = tuple(slot for _, _, slot in sorted(best.values()))
    edges = () if scores is None else tuple(_edges(zone, since, until, spans, scores, ranked[0].score))
    return Times(slots[0], ranked, edges)


def _slots(zone: ZoneInfo, spans: Spans, until: int, scores: Scores | None) -> list[Slot]:
    """Where windows open, the whole hours of the clock inside, and shortly before they close."""
    found: list[Slot] = []
    for opens, closes in spans:
        found.append(_slot(opens, offset_at(zone, opens), scores))
        for day in range(opens // _DAY, -(-closes // _DAY)):
            found += [
                slot if scores is None else slot._replace(score=scores[slot.hour_of_week])
                for slot in _whole_hours(day, zone)
                if opens < slot.at < closes
            ]
        before = closes - _BEFORE_CLOSING
        if closes < until and before > found[-1].at:
            found.append(_slot(before, offset_at(zone, before), scores))
    return found


@lru_cache(maxsize=4_096)
def _whole_hours(day: int, zone: ZoneInfo) -> list[Slot]:
    """Every whole hour of the clock in one day of UTC, a number of days since 1970; not to be changed."""
    return [
        _slot(at, offset, None)
        for begin, end, offset in stretches(zone, day * _DAY, (day + 1) * _DAY)
        for at in range(-(-(begin + offset) // _HOUR) * _HOUR - offset, end, _HOUR)
    ]


def _edges(zone: ZoneInfo, since: int, until: int, spans: Spans, scores: Scores, best: float) -> Iterator[Slot]:
    """The times before and after the closed stretch that holds the best hour of all; none where an open one is best."""
    begins, ends = [since, *(closes for _, closes in spans)], [*(opens for opens, _ in spans), until]
    closed = [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]
    hidden = [max(slot.score for slot in _slots(zone, [stretch], stretch[1], scores)) for stretch in closed]
    if not hidden or max(hidden) <= best:
        return
    begin, end = closed[hidden.index(max(hidden))]
    for opens, closes in spans:
        if closes == begin:
            at = max(opens, closes - _BEFORE_CLOSING)
            yield _slot(at, offset_at(zone, at), scores)
        if opens == end:
            yield _slot(opens, offset_at(zone, opens), scores)


def _slot(at: int, offset: int, scores: Scores | None) -> Slot:
    hour_of_week = ((at + offset) // _HOUR + _THURSDAY) % HOURS_OF_WEEK
    return Slot(at, offset, hour_of_week, 0.0 if scores is None else scores[hour_of_week])


@lru_cache(maxsize=256)
def _preferences(preferred: tuple[int, ...]) -> tuple[float, ...]:
    """How much each hour of the week is preferred where nobody's habits are known."""

    def of_hour(hour: int) -> float:
        away = (min((hour - wanted) % 24, (wanted - hour) % 24) for wanted in preferred)
        return -min(place * _FIRST_CHOICE + hours for place, hours in enumerate(away))

    return tuple(map(of_hour, range(24))) * 7
