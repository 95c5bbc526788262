"""Use case: what of the shop's tracking arrives; from tallies, in time that does not depend on the size of the log."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Engine

from features.activity import MADE, Activity
from features.arrivals import Arrivals, Arrived
from features.reports.integration import (
    ClockSkew,
    EventTypeSeen,
    Integration,
    Refused,
    Unknown,
    UnknownChannel,
    UnknownPurpose,
)
from features.reports.stale import silent
from features.tallies import SKEWS, Tally
from features.told_words import CHANNELS, PURPOSES, Named
from features.unknown_items import unknown_items

WEEK = timedelta(days=7)
_DAYS = 14
_MOST_REASONS = 50
_MOST_ITEMS = 25
_MOST_NAMES = 25


def integration(
    engine: Engine, now: datetime, channels: Collection[str] | None, purposes: Collection[str] | None
) -> Integration:
    """How the tracking stands at `now`, where messages may go by `channels`, for their `purposes`: of none is said that
    it is unknown while these are None. Blocks on the database."""
    activity = Activity(engine)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    recent = activity.hours("event", today - timedelta(days=_DAYS - 1))
    week = [tally for tally in recent if tally.hour > now - WEEK]
    arrived = Arrivals(engine).since(now - WEEK)
    rejected, duplicates, ignored = (
        [one for one in arrived if one.why.verdict == verdict] for verdict in ("rejected", "duplicate", "ignored")
    )
    taken = _count(week)
    wrong, again, passed = (sum(one.count for one in ones) for ones in (rejected, duplicates, ignored))
    known = sum(tally.known_lines for tally in week)
    lines = known + sum(tally.unknown_lines for tally in week)
    messages = taken + wrong + again + passed
    return Integration(
        as_of=now,
        computed_at=now,
        not_counted=activity.behind(),
        types=tuple(_seen(one, week, today, now) for one in activity.types("event")),
        rejected=tuple(map(_refused, rejected[:_MOST_REASONS])),
        rejected_count=wrong,
        duplicates=again,
        ignored=passed,
        duplicate_rate=again / messages if messages else None,
        reject_rate=wrong / messages if messages else None,
        lines=lines,
        match_rate=known / lines if lines else None,
        unknown_items=tuple(
            Unknown(item.product_id, item.lines, item.received_at) for item in unknown_items(engine, _MOST_ITEMS)
        ),
        clock=ClockSkew(**{name: sum(tally.skews[place] for tally in week) for place, name in enumerate(SKEWS)}),
        events_by_day=by_day(recent, now, _DAYS),
        events_a_minute=a_minute(recent, now),
        unknown_channels=tuple(UnknownChannel(*told) for told in _unknown(activity, CHANNELS, channels)),
        unknown_purposes=tuple(UnknownPurpose(*told) for told in _unknown(activity, PURPOSES, purposes)),
        simulated=_count([tally for tally in activity.hours(MADE, now - WEEK) if tally.hour > now - WEEK]),
    )


def a_minute(tallies: list[Tally], now: datetime) -> float:
    """How many came in a minute, over the hour that runs and the one before."""
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    return _count([tally for tally in tallies if tally.hour >= since]) / max((now - since).total_seconds() / 60, 1)


def by_day(tallies: list[Tally], now: datetime, days: int) -> tuple[tuple[datetime, int], ...]:
    """How many came on each of the last `days` days by UTC, today the last; a day without any has 0."""
    counts: dict[datetime, int] = defaultdict(int)
    for tally in tallies:
        counts[tally.hour.replace(hour=0)] += tally.count
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return tuple((day, counts[day]) for day in (today - timedelta(days=back) for back in range(days - 1, -1, -1)))


def _seen(ever: Tally, week: list[Tally], today: datetime, now: datetime) -> EventTypeSeen:
    mine = [tally for tally in week if tally.type == ever.type]
    return EventTypeSeen(
        type=ever.type,
        first_hour=ever.hour,
        last_received_at=ever.received_at,
        last_occurred_at=ever.occurred_at,
        today=_count([tally for tally in mine if tally.hour >= today]),
        week=_count(mine),
        total=ever.count,
        stale=silent(ever.count, ever.hour, ever.received_at, now),
    )


def _unknown(activity: Activity, named: Named, known: Collection[str] | None) -> list[tuple[str, int, int, datetime]]:
    """The names, how many withdrew and agreed, and when one came last. First those by which most withdrew: they are
    written to all the same."""
    if known is None:
        return []
    withdrawn, granted = (
        {tally.type: tally for tally in activity.types(words) if tally.type not in known}
        for words in (named.withdrawn, named.granted)
    )
    found = [
        (
            name,
            withdrawn[name].count if name in withdrawn else 0,
            granted[name].count if name in granted else 0,
            max(told[name].received_at for told in (withdrawn, granted) if name in told),
        )
        for name in withdrawn.keys() | granted.keys()
    ]
    return sorted(found, key=lambda one: (-one[1], -one[2], one[0]))[:_MOST_NAMES]


def _refused(one: Arrived) -> Refused:
    return Refused(one.why.reason, one.why.type, one.count, one.at)


def _count(tallies: list[Tally]) -> int:
    return sum(tally.count for tally in tallies)
