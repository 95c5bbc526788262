"""BG/NBD: everybody buys at a steady rate of their own until, after some purchase, they stop for good.

Fader, Hardie and Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD model" (Marketing
Science, 2005), for each customer and unit instead of each customer. It explains most of what can be known here: how
often somebody buys, and that a long silence means the end more often than a full shelf.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.arrays import Floats
from models.time_to_event.closed_form import Formula, Shrunk
from models.time_to_event.pairs import Pairs

_START = np.array([0.6, 40.0, 0.15, 1.0])
"""r, alpha in days, a, b."""
_OF_UNITS = (1, 2)


def history(pairs: Pairs) -> Floats:
    """What suffices besides the silence since: repeated purchases x, and days t from the first to the last."""
    return np.stack([pairs.columns["purchases"] - 1.0, pairs.columns["recency"]])


def curve(parameters: Floats, history: Floats, days: Floats) -> Floats:
    """P(stopped) + P(goes on) ((alpha + t) / (alpha + t + days))^(r + x), on the day of the last purchase.

    Exact: one stops only after a purchase, so whoever goes on does so until the next one, with a rate whose posterior
    is Gamma(r + x, alpha + t); and x - 1 times somebody might have stopped and did not, so P(stopped) is
    a / (a + b + x - 1). The ratio of two values is 1 - P(alive) (1 - ((alpha + T) / (alpha + T + h))^(r + x)), as
    usual. In the paper nobody stops after the very first purchase; here that one counts like the second, since most of
    what is bought once is never bought again.
    """
    rate, scale, leave, stay = parameters
    repeats, recency = history
    stopped = leave / (leave + stay + np.maximum(repeats, 1.0) - 1.0)
    waiting = (scale + recency) / (scale + recency + days)
    return np.asarray(stopped + (1.0 - stopped) * waiting ** (rate + repeats), np.float64)


@dataclass(frozen=True)
class BGNBD(Shrunk):
    """Rates are Gamma(r, alpha) and the chance to stop after a repeated purchase Beta(a, b) within a department.

    Each unit has an alpha and an a of its own.
    """

    name: ClassVar[str] = "bg_nbd"
    formula: ClassVar[Formula] = Formula(curve, history, _START, _OF_UNITS)
