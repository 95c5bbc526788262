"""In which hours of the week messages were answered: counts, shrunk rates, and which hours really differ.

Hours are those of the customer's own clock when the message went out. A time that the policy chose tells of the reason
too: it writes to people when they are there. So what is seen in all messages is told apart from what is proved by those
whose time chance drew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from features import simulated
from features.log import microseconds
from features.outcomes import Outcome
from features.reports.heatmap import Block, Grid, HeatMap, Measure, Segment
from features.reports.stretch import NEWEST, Stretch
from models.arrays import Floats, Ids, Mask
from models.policies.rhythm import HOURS_OF_WEEK
from training.policy.journal import RANDOM, Journal
from training.reports.discoveries import Counts, discoveries, p_values
from training.reports.shrinkage import shrunk
from training.reports.wilson import share

LAPSED_DAYS = 90.0
"""Who ordered before, but not for so long, has lapsed."""

_HOUR = 3_600_000_000
_MONDAY = 72
"""Hours from the Monday before 1970 until 1970 began."""

_WIDE = 3
_BLOCK = (np.arange(HOURS_OF_WEEK) // 24 >= 5) * (24 // _WIDE) + np.arange(HOURS_OF_WEEK) % 24 // _WIDE
_SEGMENTS: tuple[Segment, ...] = ("new", "repeat", "lapsed", "unknown")


@dataclass(frozen=True)
class Hours:
    """What is known of the clock beside the logs: `zone` of a customer whose zone has that name, the shop's for None;
    `closed` (channel: 24) as `HeatMap` has it; `model` by name and the 168 scores that it gives to anybody."""

    zone: Callable[[str | None], ZoneInfo]
    closed: Mapping[str, tuple[float, ...]]
    model: str | None = None
    scores: Floats | None = None


def heatmap(
    journal: Journal,
    outcomes: Sequence[Outcome],
    decision_point: str,
    hours: Hours,
    as_of: datetime,
    computed_at: datetime,
    stretch: Stretch = NEWEST,
) -> HeatMap:
    """The heat map of the messages that `journal`, all of one point and of `stretch`, decided on, with their `outcomes`
    as of then."""
    went = [row for row, one in enumerate(outcomes) if one.activated_at is not None and one.decided_at < as_of]
    rows = np.array([row for row in went if outcomes[row].matured], np.int64)
    came = [outcomes[row] for row in rows]
    clock = _hours_of_week(came, [journal.decided[row].timezone for row in rows], hours.zone)
    channels = np.array([one.activated_channel or one.channel or "" for one in came], object)
    segments = _segments(journal)[rows]
    at_random = (journal.texts("arm") == RANDOM)[rows]
    bought = np.array([_bought_after(one) for one in came], bool)
    acted = np.array([one.opened or one.clicked for one in came], bool)
    measures: dict[Measure, Mask] = {"answered": bought | acted, "ordered": bought}

    def grids() -> Iterator[Grid]:
        for measure, success in measures.items():
            for channel in (None, *sorted(set(channels))):
                for segment in (None, *_SEGMENTS):
                    which = _is(channels, channel) & _is(segments, segment)
                    if which.any() or (channel is None and segment is None):
                        mine = clock[which], success[which], at_random[which]
                        yield _grid(measure, channel, segment, *mine, hours.scores)

    return HeatMap(
        as_of=as_of,
        computed_at=computed_at,
        decision_point=decision_point,
        zone=hours.zone(None).key,
        model=hours.model,
        immature=len(went) - len(rows),
        at_random=int(at_random.sum()),
        closed=dict(hours.closed),
        grids=tuple(grids()),
        stretch=stretch,
        simulated=simulated.count(outcomes[row].customer_id for row in went),
    )


def _grid(
    measure: Measure,
    channel: str | None,
    segment: Segment | None,
    clock: Counts,
    success: Mask,
    at_random: Mask,
    scores: Floats | None,
) -> Grid:
    sends = np.bincount(clock, minlength=HOURS_OF_WEEK)
    answered = np.bincount(clock[success], minlength=HOURS_OF_WEEK)
    found = shrunk(answered, sends, scores)
    known = len(clock) > 0
    rates = answered / np.maximum(sends, 1)
    return Grid(
        measure=measure,
        channel=channel,
        segment=segment,
        average=share(int(success.sum()), len(clock)),
        sends=tuple(sends.tolist()),
        answered=tuple(answered.tolist()),
        rate=_told(rates, sends > 0),
        estimate=_told(found.mean, np.full(HOURS_OF_WEEK, known)),
        low=_told(found.low, np.full(HOURS_OF_WEEK, known)),
        high=_told(found.high, np.full(HOURS_OF_WEEK, known)),
        blocks=tuple(_blocks(clock, success, at_random)),
    )


def _blocks(clock: Counts, success: Mask, at_random: Mask) -> Iterator[Block]:
    """Every block of three hours in which anything was sent, and whether it differs from all others."""
    every, drawn = _counted(clock, success), _counted(clock[at_random], success[at_random])
    seen, proved = _different(*every), _different(*drawn)
    won, tried = every
    for block in np.flatnonzero(tried).tolist():
        weekend, place = divmod(block, 24 // _WIDE)
        yield Block(
            weekend=bool(weekend),
            from_hour=place * _WIDE,
            until_hour=(place + 1) * _WIDE,
            answered=share(won[block], tried[block]),
            others=share(won.sum() - won[block], tried.sum() - tried[block]),
            seen=bool(seen[block]),
            proved=bool(proved[block]),
        )


def _counted(clock: Counts, success: Mask) -> tuple[Counts, Counts]:
    number = 2 * 24 // _WIDE
    return np.bincount(_BLOCK[clock[success]], minlength=number), np.bincount(_BLOCK[clock], minlength=number)


def _different(won: Counts, tried: Counts) -> Mask:
    found, some = np.zeros(len(tried), bool), tried > 0
    found[some] = discoveries(p_values(won[some], tried[some], int(won.sum()), int(tried.sum())))
    return found


def _hours_of_week(
    came: Sequence[Outcome], names: Sequence[str | None], zone_of: Callable[[str | None], ZoneInfo]
) -> Counts:
    """The hour of the week on each customer's clock; a clock is asked once for every hour in which it is needed."""
    offsets: dict[tuple[str | None, int], int] = {}
    found = np.empty(len(came), np.int64)
    for place, (one, name) in enumerate(zip(came, names, strict=True)):
        at = one.activated_at or one.decided_at
        us = microseconds(at)
        key = name, us // (_HOUR // 4)
        if key not in offsets:
            offset = at.astimezone(zone_of(name)).utcoffset()
            offsets[key] = round(offset.total_seconds()) * 1_000_000 if offset else 0
        found[place] = ((us + offsets[key]) // _HOUR + _MONDAY) % HOURS_OF_WEEK
    return found


def _segments(journal: Journal) -> Ids:
    """What each customer was when it was decided; what came later does not matter."""
    new, frequency, recency = journal.contexts.columns(["is_new", "frequency", "recency_days"]).T
    found = np.full(len(journal), "unknown", object)
    found[(new == 1) | (new == 0) | ~np.isnan(frequency) | ~np.isnan(recency)] = "new"
    found[np.nan_to_num(frequency) >= 2] = "repeat"
    found[np.nan_to_num(recency) > LAPSED_DAYS] = "lapsed"
    return found


def _bought_after(one: Outcome) -> bool:
    """Whether somebody ordered since their message went out; who did so before was not answering."""
    return one.first_order_at is not None and one.activated_at is not None and one.first_order_at >= one.activated_at


def _is(labels: Ids, wanted: str | None) -> Mask:
    return np.ones(len(labels), bool) if wanted is None else np.asarray(labels == wanted, bool)


def _told(values: Floats, known: Mask) -> tuple[float | None, ...]:
    return tuple(round(value, 5) if there else None for value, there in zip(values.tolist(), known, strict=True))
