"""When one more message would be too many, because of those that somebody got or is about to get.

Caps are counted at the time at which the message would go out and not when it is decided: one that is planned for
Friday does not care how many went out last Friday, but how many will have by then. Whoever sent them, for whatever
campaign, they count.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from features.contact import Touch
from serving.decisions.bank import Caps

_DAY = 86_400
_ALWAYS = float("inf")


class Planned(NamedTuple):
    """A message that was decided, and of which nobody has told yet that it went out."""

    at: datetime
    channel: str
    decision_id: str


@dataclass(frozen=True)
class Bar:
    """A limit that one more message would break at any time between a `since` and its `until`, neither included.

    In seconds since 1970; both rise.
    """

    reason: str
    since: Sequence[float]
    until: Sequence[float]

    def holds(self, at: float) -> bool:
        """Whether a message at `at` would break it."""
        place = bisect_left(self.since, at) - 1
        return place >= 0 and at < self.until[place]


def send_times(touches: Iterable[Touch], planned: Iterable[Planned]) -> list[tuple[float, str]]:
    """When, in seconds since 1970, and by which channel; a plan that was carried out counts once."""
    sent = [touch for touch in touches if touch.kind == "sent"]
    done = {touch.decision_id for touch in sent}
    times = [(touch.at.timestamp(), touch.channel) for touch in sent]
    times += [(plan.at.timestamp(), plan.channel) for plan in planned if plan.decision_id not in done]
    return sorted(times)


def bars(times: Sequence[float], caps: Caps, min_gap_hours: float) -> list[Bar]:
    """What messages at `times` (rising) forbid; limits that they are far from are left out.

    With a cap of n in a period, n messages within one period bar whatever would lie in one period with all of them,
    before, between or behind; one exactly a period away does not. Messages planned for later are not pushed over their
    cap by one in between.

    >>> [bar.reason for bar in bars([0, 60], Caps(day=2, week=4), 1.0)]
    ['capped_1d', 'min_gap']
    """
    gap = min_gap_hours * 3_600
    limits = (
        ("capped_1d", caps.day, _DAY),
        ("capped_7d", caps.week, 7 * _DAY),
        ("capped_30d", caps.month, 30 * _DAY),
        ("min_gap", 1, gap),
    )
    found = []
    for reason, most, period in limits:
        if most == 0:
            found.append(Bar(reason, [-_ALWAYS], [_ALWAYS]))
        elif most is not None:
            full = [
                (first, last) for first, last in zip(times, times[most - 1 :], strict=False) if last - first < period
            ]
            if full:
                found.append(Bar(reason, [last - period for _, last in full], [first + period for first, _ in full]))
    return found
