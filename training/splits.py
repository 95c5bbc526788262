"""Splits by time, the same moment for everybody: what comes after it, no model may know.

Leaving out each customer's last order instead would train on what others did after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Fold:
    """Learn from what happened before `split`, judge on what happened from `split` until before `until`."""

    split: datetime
    until: datetime


def latest_folds(end: datetime, window: timedelta, count: int) -> tuple[Fold, ...]:
    """The last `count` windows before `end`, oldest first: tune on the earlier ones, judge on the last.

    >>> for fold in latest_folds(datetime(2018, 1, 1), timedelta(weeks=4), 2):
    ...     print(f"learn before {fold.split:%Y-%m-%d}, judge before {fold.until:%Y-%m-%d}")
    learn before 2017-11-06, judge before 2017-12-04
    learn before 2017-12-04, judge before 2018-01-01
    """
    if window <= timedelta(0) or count < 1:
        raise ValueError(f"{count} windows of {window} make no fold; use one or more of a positive length")
    ends = [end - window * back for back in reversed(range(count))]
    return tuple(Fold(until - window, until) for until in ends)
