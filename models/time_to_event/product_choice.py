"""Which product of a group somebody takes when the group is due: their own habit, and what everybody takes lately.

The probability is the mean of a Dirichlet posterior: faded counts of the customer's own purchases, added to the shares
of the group's sales. So a habit of two purchases yields to a bestseller sooner than one of twenty, a customer without
any gets what sells, and what is out of stock leaves its part to the others.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, codes_of
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import Pairs

_FAR = 2**21
"""The age of a purchase, in days, fits into 21 bits of a key."""

_DEPTH = 8
"""So many bestsellers of a group are candidates for somebody who never took them."""


@dataclass(frozen=True)
class ProductChoice:
    """Own purchases count half after `half_life` days, the sales of all after `sales_half_life`; the shares of sales
    weigh as much as `prior` own purchases."""

    name: ClassVar[str] = "product_choice"
    half_life: float = 120.0
    sales_half_life: float = 28.0
    prior: float = 3.0

    def __post_init__(self) -> None:
        if min(self.half_life, self.sales_half_life, self.prior) <= 0:
            raise ValueError(f"half-lives and the prior must be above 0, found {self}")

    def fit(self, lines: Lines, groups: Groups) -> "FittedProductChoice":
        """Count what is sold lately."""
        single = lines.by_product(groups)
        weight = 0.5 ** ((lines.day - single.days) / self.sales_half_life)
        sales = np.bincount(single.units, weight, len(groups.product_ids)).astype(np.float64)
        return FittedProductChoice(self, sales, groups.product_ids)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "FittedProductChoice":
        """From `arrays()`."""
        return FittedProductChoice(self, arrays["sales"], arrays["product_ids"])


@dataclass(frozen=True)
class Shelf:
    """What is there to choose from: of each product of `groups` its share (products,) in what is sold of its group, 0
    where it is not `available`; of each group the products that sell best, shape (units, depth), -1 where it has no
    more."""

    groups: Groups
    available: Mask
    shares: Floats
    best: Codes


@dataclass(frozen=True)
class Choices:
    """For each pair the likeliest `products` first, codes into `groups.product_ids`, -1 where there is none, and their
    `shares`: the probability of each, given that something available is taken. Both have shape (rows, count)."""

    products: Codes
    shares: Floats

    def ids(self, groups: Groups) -> Ids:
        """The ids of `products`, None where there is none."""
        found = np.full(self.products.shape, None, object)
        chosen = self.products >= 0
        found[chosen] = groups.product_ids[self.products[chosen]]
        return found


@dataclass(frozen=True)
class FittedProductChoice:
    """`sales` (products,) are faded counts of what everybody took. No customer is stored."""

    recipe: ProductChoice
    sales: Floats
    product_ids: Ids

    def shelf(self, groups: Groups, available: Mask | None = None) -> Shelf:
        """Prepared once for many answers: the products of `groups` that are `available` (products,), else all.

        New products, that nobody took yet, share what one purchase weighs.
        """
        stands = groups.units >= 0 if available is None else available & (groups.units >= 0)
        places = codes_of(groups.product_ids, self.product_ids)
        sold = np.where(places >= 0, self.sales[places] if len(self.sales) else 0.0, 0.0)
        unit, count = groups.units, len(groups.unit_ids)
        number = np.bincount(unit[stands], minlength=count)
        weight = np.where(stands, sold + 1.0 / np.maximum(number, 1)[unit], 0.0)
        total = np.bincount(unit[stands], weight[stands], count)
        shares = np.divide(weight, total[unit], out=np.zeros(len(unit)), where=stands)
        products = np.flatnonzero(stands)
        order = products[np.lexsort((products, -shares[products], unit[products]))]
        rank = _rank(unit[order])
        best = np.full((count, _DEPTH), -1, np.int32)
        best[unit[order][rank < _DEPTH], rank[rank < _DEPTH]] = order[rank < _DEPTH]
        return Shelf(groups, stands, shares, best)

    def choices(self, shelf: Shelf, lines: Lines, pairs: Pairs, count: int = 3) -> Choices:
        """The `count` likeliest products of each pair's group at the end of its day, ties by id.

        `lines` hold those of the customers asked about. Raises ValueError when `pairs` are of several days.
        """
        groups, day, prior = shelf.groups, _only_day(pairs), self.recipe.prior
        if pairs.unit_ids is not groups.unit_ids:
            raise ValueError("pairs and shelf speak of different groups; build the pairs from lines by these groups")
        asked, first, again = np.unique(_key(pairs.customers, pairs.units), return_index=True, return_inverse=True)
        width = np.int64(max(len(groups.product_ids), 1))
        mine, age = np.divmod(_taken(shelf, lines.until(day), day, asked), _FAR)
        row, weight = mine // width, 0.5 ** (age / self.recipe.half_life)
        best = shelf.best[pairs.units[first]]
        others = np.arange(len(asked), dtype=np.int64)[:, None] * width + best
        cells, place = np.unique(np.concatenate([mine, others[best >= 0]]), return_inverse=True)
        of, product = np.divmod(cells, width)
        taken = np.bincount(place[: len(row)], weight, len(cells))
        share = (taken + prior * shelf.shares[product]) / (np.bincount(row, weight, len(asked)) + prior)[of]
        order = np.lexsort((product, -share, of))
        rank = _rank(of[order])
        top, rank = order[rank < count], rank[rank < count]
        chosen = Choices(np.full((len(asked), count), -1, np.int32), np.zeros((len(asked), count)))
        chosen.products[of[top], rank] = product[top]
        chosen.shares[of[top], rank] = share[top]
        return Choices(chosen.products[again], chosen.shares[again])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The sales and what they are of."""
        return {"sales": self.sales, "product_ids": self.product_ids}


def _taken(shelf: Shelf, lines: Lines, day: int, asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """What was taken and is there, once a day: the place of the pair in `asked`, the product and the age in one key."""
    groups = shelf.groups
    products = codes_of(lines.product_ids, groups.product_ids)[lines.products]
    rows = np.flatnonzero((products >= 0) & shelf.available[products])
    products = products[rows]
    row = _find(asked, _key(lines.customers[rows], groups.units[products]))
    cells = row * np.int64(len(groups.product_ids)) + products
    return np.unique((cells * _FAR + (day - lines.days[rows]))[row >= 0])


def _only_day(pairs: Pairs) -> int:
    days = np.unique(pairs.days)
    if len(days) > 1:
        raise ValueError(f"products are asked for day by day, found pairs of {len(days)} days")
    return int(days[0]) if len(days) else 0


def _rank(codes: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The place of each row among those of its code, from 0; `codes` are sorted."""
    start = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))[: len(codes)]
    return np.arange(len(codes)) - np.repeat(start, np.diff(np.append(start, len(codes))))


def _find(sorted_keys: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `keys` stands in `sorted_keys`; -1 for one that is not there."""
    if not len(sorted_keys):
        return np.full(len(keys), -1, np.int64)
    place = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.where(sorted_keys[place] == keys, place, -1)


def _key(customers: Codes, units: Codes) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = customers.astype(np.int64) * 2**31 + units
    return keys
