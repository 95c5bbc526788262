"""The prices that a customer is used to: a band of money where he has a history, a band of ranks where he has none."""

import numpy as np

from models.arrays import Codes, Floats, Mask
from serving.rules.columns import Columns

LOW, HIGH = 0.1, 0.9
FEWEST = 3
"""A band takes this many priced interactions; below it there are more reasons than taste."""


def price_band(columns: Columns, history: Codes, factor: float) -> Mask | None:
    """Which products cost what this customer is used to; None when his history names too few prices.

    `history` are the codes of what he bought or looked at, an entry an interaction. In a category (the deepest step in
    which he has `FEWEST` entries) the band goes from the 10th to the 90th percentile of his prices, divided and
    multiplied by `factor`. Elsewhere money does not compare, so his ranks do: whoever buys the cheaper half of tea gets
    the cheaper half of televisions; there a factor f widens the band by 1 - 1/f on both sides. A product without a
    price stays.

    >>> from features.catalog import Product
    >>> from decimal import Decimal
    >>> ids = np.array(["a", "b", "c", "d"], object)
    >>> prices = zip(ids, ("1", "2", "3", "40"), strict=True)
    >>> tea = {id_: Product(product_id=id_, category="tea", price=Decimal(price)) for id_, price in prices}
    >>> price_band(Columns.build(ids, tea), np.array([0, 1, 2], np.int32), 1.5).tolist()
    [True, True, True, False]
    """
    price = columns.numbers["price"]
    entries = history[np.isfinite(price[history])]
    if len(entries) < FEWEST:
        return None
    category = columns.texts["category"]
    bands = _by_step(columns.steps[entries], price[entries], int(category.levels.paths.max(initial=-1)) + 1)
    bands[:, 0] /= factor
    bands[:, 1] *= factor
    of_level = np.full((len(category.levels.values), 2), np.nan)
    for step in category.levels.paths.T:
        of_level = np.where(np.isnan(bands[step]), of_level, bands[step])
    low, high = of_level.T
    low, high = low[category.codes], high[category.codes]
    slack = 1.0 - 1.0 / factor
    first, last = np.quantile(columns.price_rank[entries], (LOW, HIGH))
    rank = columns.price_rank
    elsewhere = (rank >= first - slack) & (rank <= last + slack)
    found: Mask = np.where(np.isnan(low), elsewhere, (price >= low) & (price <= high)) | np.isnan(price)
    return found


def _by_step(steps: Codes, prices: Floats, count: int) -> Floats:
    """The percentiles of the prices below each of `count` steps, shape (count + 1, 2).

    NaN where there are fewer than `FEWEST`, and in the last row, which is that of -1.
    """
    bands = np.full((count + 1, 2), np.nan)
    step, price = steps.ravel(), np.repeat(prices, steps.shape[1])
    step, price = step[step >= 0], price[step >= 0]
    order = np.lexsort((price, step))
    known, starts, counts = np.unique(step[order], return_index=True, return_counts=True)
    for column, share in enumerate((LOW, HIGH)):
        place = starts + share * (counts - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, starts + counts - 1)
        value = price[order][below] + (place - below) * (price[order][above] - price[order][below])
        bands[known, column] = np.where(counts >= FEWEST, value, np.nan)
    return bands
