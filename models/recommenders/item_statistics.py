"""What the history says about each product by itself: whether it sells better lately than usual, and whether its buyers
come back for it."""

import numpy as np

from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.interaction_matrix import decay

_LATELY, _USUALLY = 7.0, 120.0
_DOUBT = 0.2
_BUYERS = 20.0


def trend(interactions: Interactions) -> Floats:
    """Interest of about the last week over what the last months let expect, smoothed; 1 where both are silent.

    Rates are sums with half-lives of 7 and 120 days, divided by these. A fifth of an interaction on both sides keeps a
    single sale from being a fashion.
    """
    lately = _rate(interactions, _LATELY)
    usually = _rate(interactions, _USUALLY) * (_LATELY / _USUALLY)
    return (lately + _DOUBT) / (usually + _DOUBT)


def loyalty(interactions: Interactions) -> Floats:
    """Share of a product's customers who came back for it on another day, over the same share of all; mean about 1.

    Shrunk as if 20 customers of average loyalty had been there before.
    """
    count = len(interactions.item_ids)
    cells = interactions.customers.astype(np.int64) * max(count, 1) + interactions.items
    days = np.floor(interactions.days).astype(np.int64)
    order = np.lexsort((days, cells))
    cells, days = cells[order], days[order]
    new_cell = np.append(True, cells[1:] != cells[:-1])[: len(cells)]
    new_day = new_cell | np.append(True, days[1:] != days[:-1])[: len(cells)]
    visits = np.bincount(np.cumsum(new_cell)[new_day] - 1) if len(cells) else np.empty(0, np.int64)
    items = cells[new_cell] % max(count, 1)
    customers = np.bincount(items, minlength=count)
    loyal = np.bincount(items[visits > 1], minlength=count)
    average = loyal.sum() / max(customers.sum(), 1)
    return (loyal + _BUYERS * average) / (customers + _BUYERS) / average if average else np.ones(count)


def powered(values: Floats, exponent: float) -> Floats:
    """`values` to the `exponent`, which may be negative; what is not above 0 stays 0.

    >>> powered(np.array([0.0, 4.0]), -0.5).tolist()
    [0.0, 0.5]
    """
    return np.power(values, exponent, where=values > 0, out=np.zeros(len(values)))


def _rate(interactions: Interactions, half_life: float) -> Floats:
    weights = interactions.weights * decay(interactions.days, half_life)
    order = np.lexsort((weights, interactions.items))
    return np.bincount(interactions.items[order], weights[order], len(interactions.item_ids)).astype(np.float64)
