"""How each product is sold: what one usually costs, and how many of the shop's units make a pack.

Shops count as they like: yoghurts by the piece, cheese by the kilogram, fuel by the hundredth of a gallon. A quantity
of 1,250 is then one purchase, not 1,250 packs; and a typing error of 900 yoghurts must not fill a cart.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import Codes, Floats

MANY = 12.0
"""Packs that somebody may take at once of a product that is not known to be bought by more."""

_WEIGHED_SHARE = 0.1
_COUNTED_SMALL = 100.0
_SPOKEN = 20
_QUANTILE = 0.95
_WHOLE = 2.0**52
"""Up to here each number and its double are whole ones; what is reported above it is doubled to no number at all."""


@dataclass(frozen=True)
class Selling:
    """One entry a product. `prices` is the median of what one unit cost, NaN where nobody knows.

    `portions` is how many of the shop's units make one pack: 1 for what is sold by the piece; the usual quantity, which
    is never exactly 1, for what is weighed or counted in small units. `most_packs` bounds what is believed at once.
    """

    prices: Floats
    portions: Floats
    most_packs: Floats


def selling(products: Codes, quantities: Floats, prices: Floats, units: Codes) -> Selling:
    """From lines (rows,) of products, whose groups are `units` (products,): -1 for one without.

    Weighed is what has a fractional quantity in a tenth of its lines, or a usual quantity above 100. The bound is twice
    the 95th percentile of the packs in a line, at least 12; a product with fewer than 20 lines has that of its group.
    """
    count = len(units)
    usual = grouped_quantile(quantities, products, count, 0.5)
    lines = np.bincount(products, minlength=count)
    broken = np.bincount(products, quantities % 1 != 0, count) / np.maximum(lines, 1)
    weighed = ((broken >= _WEIGHED_SHARE) | (usual > _COUNTED_SMALL)) & (usual != 1.0)
    known = np.isfinite(prices)
    by_piece = ~weighed[products]
    own = grouped_quantile(quantities[by_piece], products[by_piece], count, _QUANTILE)
    grouped = by_piece & (units[products] >= 0)
    most = int(units.max(initial=-1)) + 1
    shared = np.append(grouped_quantile(quantities[grouped], units[products[grouped]], most, _QUANTILE), np.nan)
    bound = np.where(lines >= _SPOKEN, own, shared[units])
    return Selling(
        grouped_quantile(prices[known], products[known], count, 0.5),
        np.where(weighed, usual, 1.0),
        np.fmax(np.floor(2.0 * np.minimum(bound, _WHOLE)), MANY),
    )


def packs(quantities: Floats, portions: Floats, most_packs: Floats) -> Floats:
    """Packs (rows,) of what was reported: whole, at least one, one of what is weighed, at most what is believed.

    >>> packs(np.array([2.0, 0.4, 900.0, 0.35]), np.array([1.0, 1.0, 1.0, 0.4]), np.full(4, 12.0)).tolist()
    [2.0, 1.0, 12.0, 1.0]
    """
    counted = np.clip(np.round(quantities), 1.0, np.maximum(most_packs, 1.0))
    return np.where(portions == 1.0, counted, 1.0)


def grouped_quantile(values: Floats, owners: Codes, count: int, share: float) -> Floats:
    """The quantile `share` of the values of each owner, the lower of two between which it lies; NaN without one.

    >>> grouped_quantile(np.array([3.0, 1.0, 2.0]), np.array([0, 0, 0]), 2, 0.5).tolist()
    [2.0, nan]
    """
    order = np.lexsort((values, owners))
    bounds = np.searchsorted(owners[order], np.arange(count + 1))
    sizes = np.diff(bounds)
    found = np.full(count, np.nan)
    some = sizes > 0
    found[some] = values[order][(bounds[:-1] + share * (sizes - 1)).astype(np.int64)[some]]
    return found
