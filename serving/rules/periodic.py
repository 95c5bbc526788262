"""What people buy again and again: having it bought is then a reason to show it, not to hide it."""

import numpy as np

from models.arrays import Floats, Mask
from serving.rules.columns import Columns

REPEAT_SHARE = 0.2
"""From which share of buyers on, who came back for it, a product counts as periodic.

In a grocery (Complete Journey) the median is 0.23 among products with 20 orders a year, the upper quarter 0.31.
"""
_PRIOR_ORDERS = 10.0
"""A product says as much about itself as its category once it was ordered this often: one buyer proves nothing."""


def periodic(columns: Columns) -> Mask:
    """Which products are bought periodically: as the shop says, else by Feast's `repeat_share`.

    The share is drawn towards that of the category, weighted by the orders of a year, and nobody's is zero.
    """
    return np.asarray(columns.masks.get("periodic", lambda: _periodic(columns)))


def _periodic(columns: Columns) -> Mask:
    told = columns.periodic
    return np.where(told >= 0, told == 1, _share(columns) >= REPEAT_SHARE)


def _share(columns: Columns) -> Floats:
    orders = np.nan_to_num(columns.number("orders_365d"))
    share = np.nan_to_num(columns.number("repeat_share"))
    category = columns.texts["category"].codes + 1
    size = int(category.max(initial=0)) + 1
    in_category = np.bincount(category, orders, size)
    repeated = np.bincount(category, orders * share, size)
    mean = repeated / np.maximum(in_category, 1.0)
    return np.asarray((orders * share + _PRIOR_ORDERS * mean[category]) / (orders + _PRIOR_ORDERS))
