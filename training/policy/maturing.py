"""What an open window is still expected to bring: the law of how long purchases take, pooled over all decisions.

A window that is open is neither a zero nor a missing value. Decisions of every age tell how many buy in each hour after
a decision, of those who had not bought until then: the discrete-time survival estimate under censoring (Kaplan and
Meier, 1958). A decision of yesterday teaches the first day of the law, and only that. What is expected is the same for
all who wait equally long, so an immature reward never favours one action over another beyond what is known of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats


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


def _still_there(until: NDArray[np.int64], hours: int) -> NDArray[np.int64]:
    """How many are there in each hour, when each leaves at the beginning of hour `until`."""
    left = np.cumsum(np.bincount(np.minimum(until, hours), minlength=hours + 1))
    there: NDArray[np.int64] = len(until) - left[:hours]
    return there
