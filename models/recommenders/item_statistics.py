"""What the history says about each product by itself: whether it sells better lately than usual, and whether its buyers
come back for it."""

from collections import deque
from collections.abc import Callable
from functools import wraps
from weakref import ref

import numpy as np

from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.interaction_matrix import decay

_LATELY, _USUALLY = 7.0, 120.0
_DOUBT = 0.2
_BUYERS = 20.0
_REMEMBERED = 4


def _remembering(statistic: Callable[[Interactions], Floats]) -> Callable[[Interactions], Floats]:
    """`statistic` with its latest answers, by whose they are: several recipes of one fit ask for the same."""
    latest: deque[tuple[ref[Interactions], Floats]] = deque(maxlen=_REMEMBERED)

    @wraps(statistic)
    def remembered(interactions: Interactions) -> Floats:
        for known, answer in tuple(latest):
            if known() is interactions:
                return answer
        answer = statistic(interactions)
        answer.flags.writeable = False
        latest.append((ref(interactions), answer))
        return answer

    return remembered


@_remembering
def trend(interactions: Interactions) -> Floats:
    """Interest of about the last week over what the last months let expect, smoothed; 1 where both are silent.

    Rates are sums with half-lives of 7 and 120 days, divided by these. A fifth of an interaction on both sides keeps a
    single sale from being a fashion.
    """
    lately = _rate(interactions, _LATELY)
    usually = _rate(interactions, _USUALLY) * (_LATELY / _USUALLY)
    return (lately + _DOUBT) / (usually + _DOUBT)


@_remembering
def loyalty(interactions: Interactions) -> Floats:
    """Share of a product's customers who came back for it on another day, over the same share of all; mean about 1.

    Shrunk as if 20 customers of average loyalty had been there before.
    """
    count = len(interactions.item_ids)
    cells = interactions.customers.astype(np.int64) * max(count, 1) + interactions.items
    days = np.floor(interactions.days).astype(np.int64)
    days -= days.min() if len(days) else 0
    span = int(days.max(initial=0)) + 1
    # A customer, a product and a day as one number: sorting numbers takes a quarter of sorting rows by two.
    visits = np.sort(cells * span + days)
    cells = visits[np.append(True, visits[1:] != visits[:-1])[: len(visits)]] // span
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])[: len(cells)])
    items = cells[starts] % max(count, 1)
    customers = np.bincount(items, minlength=count)
    loyal = np.bincount(items[np.diff(np.append(starts, len(cells))) > 1], minlength=count)
    average = loyal.sum() / max(customers.sum(), 1)
    return (loyal + _BUYERS * average) / (customers + _BUYERS) / average if average else np.ones(count)


def powered(values: Floats, exponent: float) -> Floats:
    """`values` to the `exponent`, which may be negative; what is not above 0 stays 0.

    >>> powered(np.array([0.0, 4.0]), -0.5).tolist()
    [0.0, 0.5]
    """
    return np.power(values, exponent, where=values > 0, out=np.zeros(len(values)))


def _rate(interactions: Interactions, half_life: float) -> Floats:
    """Sums of what interactions still count, of each product, the same in whatever order they come.

    All are multiples of a unit so small that 2^52 of them are more than all together: such sums are exact.
    """
    weights = interactions.weights * decay(interactions.days, half_life)
    most = len(weights) * np.abs(weights).max(initial=0.0)
    unit = np.exp2(np.ceil(np.log2(most)) - 52) if most else 1.0
    return np.bincount(interactions.items, np.rint(weights / unit), len(interactions.item_ids)) * unit
