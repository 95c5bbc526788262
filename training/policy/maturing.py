"""What an open window is still expected to bring: the law of how long purchases take after decisions of one kind.

A window that is open is neither a zero nor a missing value. Decisions of every age tell how many buy in each hour after
a decision, of those who had not bought until then: the discrete-time survival estimate under censoring (Kaplan and
Meier, 1958). A decision of yesterday teaches the first day of the law, and only that. The later a message goes, the
later its orders come, so each delay has a law of its own; by one for all, late messages would look worse than they are
for as long as windows are open. What is expected is the same for all of a kind who wait equally long.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

ENOUGH = 30
"""Purchases after which a kind of decisions has a law of its own; until then it is that of all."""


@dataclass(frozen=True)
class DelayLaw:
    """By whole hours since the decision: `hazard` is the share of those who had not bought yet and do in that hour,
    NaN where nobody was watched for so long; `worth` is what a purchase earns."""

    hazard: Floats
    worth: float

    def remaining(self, ages: Floats, windows: Floats) -> Floats:
        """What is expected of those who have not bought at `ages` until the ends of `windows` (hours).

        NaN where nobody was watched for so long yet.

        >>> DelayLaw(np.array([0.0, 0.5]), 8.0).remaining(np.array([0.0, 1.5, 2.0]), np.full(3, 2.0)).tolist()
        [4.0, 2.0, 0.0]
        """
        found = np.zeros(len(ages))
        for window in np.unique(windows):
            hours = int(np.ceil(window))
            hazard = np.full(hours, np.nan)
            hazard[: len(self.hazard)] = self.hazard[:hours]
            waiting = np.append(np.cumprod((1 - hazard)[::-1])[::-1], 1.0)  # from each hour to the end without buying
            mine = np.flatnonzero((windows == window) & (ages < window))
            found[mine] = self.worth * np.interp(ages[mine], np.arange(hours + 1), 1 - waiting)
        return found


def delay_law(ages: Floats, bought: Floats, earned: Floats) -> DelayLaw:
    """The law that decisions tell: hours that each was watched, hours to its first purchase (NaN for none), earnings.

    >>> delay_law(np.array([2.0, 2.0, 1.0]), np.array([np.nan, 0.5, np.nan]), np.array([0, 10.0, 0])).hazard.round(2)
    array([0.33, 0.  ])
    """
    watched = np.floor(ages).astype(np.int64)
    hours = int(watched.max(initial=0))
    buys = ~np.isnan(bought)
    first = np.where(buys, np.floor(np.where(buys, bought, 0)), hours + 1).astype(np.int64)
    firsts = np.bincount(first[first < watched], minlength=hours)[:hours]
    waiting = _still_there(np.minimum(watched, first + 1), hours)
    hazard: Floats = np.full(hours, np.nan)
    np.divide(firsts, waiting, out=hazard, where=waiting > 0)
    everybody_bought = (waiting == 0) & (_still_there(watched, hours) > 0)
    hazard[everybody_bought] = 0.0
    return DelayLaw(hazard, float(earned[buys].mean()) if buys.any() else 0.0)


def still_to_come(
    kinds: Sequence[object], ages: Floats, windows: Floats, bought: Floats, earned: Floats, enough: int = ENOUGH
) -> Floats:
    """What is expected of each decision as if it had not bought yet, by the law of its kind: see `DelayLaw.remaining`.

    `kinds` may be anything, one a decision; the others are as `delay_law` takes them. A kind with fewer than `enough`
    purchases, or of which nobody was watched for so long yet, has the law of all.

    >>> ages, bought = np.array([1.0, 1.0, 2.0, 2.0]), np.array([np.nan, np.nan, 1.5, 0.5])
    >>> still_to_come(["24h", "1h", "24h", "1h"], ages, np.full(4, 2.0), bought, np.array([0, 0, 6.0, 6.0]), 1).tolist()
    [6.0, 0.0, 0.0, 0.0]
    """
    found = delay_law(ages, bought, earned).remaining(ages, windows)
    of = np.unique([str(kind) for kind in kinds], return_inverse=True)[1]
    for kind in np.flatnonzero(np.bincount(of, ~np.isnan(bought)) >= enough):
        mine = np.flatnonzero(of == kind)
        own = delay_law(ages[mine], bought[mine], earned[mine]).remaining(ages[mine], windows[mine])
        found[mine] = np.where(np.isnan(own), found[mine], own)
    return found


def _still_there(until: NDArray[np.int64], hours: int) -> NDArray[np.int64]:
    """How many are there in each hour, when each leaves at the beginning of hour `until`."""
    left = np.cumsum(np.bincount(np.minimum(until, hours), minlength=hours + 1))
    there: NDArray[np.int64] = len(until) - left[:hours]
    return there
