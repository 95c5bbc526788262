"""What the history says about each product by itself: whether it sells better lately than usual, and whether its buyers
come back for it."""

from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from weakref import ref

import numpy as np

from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.cells import Cells
from models.recommenders.interaction_matrix import decay

_LATELY, _USUALLY = 7.0, 120.0
_DOUBT = 0.2
_BUYERS = 20.0
_REMEMBERED = 4

P = ParamSpec("P")


def _remembering(
    statistic: Callable[Concatenate[Interactions, P], Floats],
) -> Callable[Concatenate[Interactions, P], Floats]:
    """`statistic` with its latest answers, by whose they are: several recipes of one fit ask for the same."""
    latest: deque[tuple[ref[Interactions], Floats]] = deque(maxlen=_REMEMBERED)

    @wraps(statistic)
    def remembered(interactions: Interactions, /, *beside: P.args, **named: P.kwargs) -> Floats:
        for known, answer in tuple(latest):
            if known() is interactions:
                return answer
        answer = statistic(interactions, *beside, **named)
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
def loyalty(interactions: Interactions, cells: Cells | None = None) -> Floats:
    """Share of a product's customers who came back for it on another day, over the same share of all; mean about 1.

    Shrunk as if 20 customers of average loyalty had been there before. `cells` are those of the interactions, where the
    caller has them.
    """
    count = len(interactions.item_ids)
    cells = cells or Cells.of(interactions)
    customers = np.bincount(cells.items, minlength=count)
    loyal = np.bincount(cells.items[cells.differ(interactions.days)], minlength=count)
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
    weights = decay(interactions.days, half_life)
    weights *= interactions.weights
    most = len(weights) * weights.max(initial=0.0)
    unit = np.exp2(np.ceil(np.log2(most)) - 52) if most else 1.0
    weights /= unit
    return np.bincount(interactions.items, np.rint(weights, out=weights), len(interactions.item_ids)) * unit
