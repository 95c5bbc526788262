"""A small shop whose customers come back at rates of their own, and stop: lines of orders, and its catalogue."""

import numpy as np

from models.catalogue import Catalogue
from models.time_to_event.lines import Lines

DAYS = 280
FIRST = 17_000
CUSTOMERS = 40
GROUPS = 14
PRODUCTS = 2
"""Products a group."""


def lines(seed: int = 0, days: int = DAYS) -> Lines:
    """Everybody needs every group again and again, at a rate of their own, until they stop."""
    rng = np.random.default_rng(seed)
    count = CUSTOMERS * GROUPS
    who, what = np.divmod(np.arange(count), GROUPS)
    interval = 6 + 8 * (what % 4) + rng.gamma(2.0, 6.0, count)
    ends = rng.uniform(days / 4, 2.5 * days, count)
    rows = []
    at = rng.uniform(0, interval)
    while (at < np.minimum(days, ends)).any():
        going = at < np.minimum(days, ends)
        rows.append(np.stack([who[going], what[going], np.floor(at[going]).astype(np.int64)]))
        at = at + rng.gamma(1.5, interval / 1.5)
    customers, groups, when = np.hstack(rows)
    products = groups * PRODUCTS + rng.integers(PRODUCTS, size=len(groups))
    packs = 1.0 + rng.integers(3, size=len(groups))
    prices = 2.0 + products % 5 - 0.5 * (rng.random(len(groups)) < 0.2)
    return Lines(
        customers.astype(np.int32),
        products.astype(np.int32),
        (FIRST + when).astype(np.int32),
        packs,
        prices,
        np.array([f"p{code:02d}" for code in range(GROUPS * PRODUCTS)], object),
        CUSTOMERS,
        FIRST + days - 1,
    )


def catalogue() -> Catalogue:
    """Two departments of four groups."""
    codes = np.arange(GROUPS * PRODUCTS)
    return Catalogue(
        float(FIRST),
        np.array([f"p{code:02d}" for code in codes], object),
        texts={"category": np.array([f"d{code // PRODUCTS % 2}/g{code // PRODUCTS}" for code in codes], object)},
        numbers={"price": 2.0 + codes % 5},
    )
