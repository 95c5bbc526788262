"""Bought lines: who took which product on which day, how many packs and at what price. Where restocking begins."""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Codes, Floats, Ids, Mask, codes_of
from models.time_to_event.groups import Groups
from models.time_to_event.purchases import Days, Purchases

_DEAREST = 3.0
"""Times the usual price, above which a price is rather a mistake."""


@dataclass(frozen=True)
class Lines:
    """One row a product of an order that was kept, in any order of rows.

    `packs` are positive, and as the shop reported them: `by_group` and `by_product` make packs of grams and gallons.
    `prices` are what one of them cost, in the shop's currency, NaN where nobody knows. `product_ids` is sorted; `day`
    is the last day that is known, inclusive.
    """

    customers: Codes
    products: Codes
    days: Days
    packs: Floats
    prices: Floats
    product_ids: Ids
    customer_count: int
    day: int

    def __post_init__(self) -> None:
        columns = (self.customers, self.products, self.days, self.packs, self.prices)
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"lines need columns of one length, found {sorted({len(column) for column in columns})}")
        if len(self.days) and self.days.max() > self.day:
            raise ValueError(f"a line on day {self.days.max()} lies after day={self.day}; cut it off first")
        if not (self.packs > 0).all():
            raise ValueError("packs must be positive; leave out what was taken back or not taken at all")

    @classmethod
    def of(
        cls,
        customers: Codes,
        products: Codes,
        days: Days,
        quantities: Floats,
        prices: Floats,
        product_ids: Ids,
        customer_count: int,
        day: int,
    ) -> "Lines":
        """From what was reported: what is dated after `day` is not known yet, and zero or less was not bought.

        A quantity that is no number is one: somebody bought, whatever the shop's system wrote down. Packs are made of
        quantities by `by_group`, which knows how the product is sold. A price below zero, or none at all, is unknown.
        """
        bought = (days <= day) & ~(quantities <= 0)
        known = np.where(np.isfinite(quantities), quantities, 1.0)[bought]
        price = np.where(prices >= 0, prices, np.nan)[bought]
        return cls(customers[bought], products[bought], days[bought], known, price, product_ids, customer_count, day)

    def until(self, day: int) -> "Lines":
        """What was known at the end of `day`."""
        return self if day >= self.day else self._kept(self.days <= day, day)

    def among(self, customers: Mask) -> "Lines":
        """Those of the customers in the mask (customer_count,); codes stay as they are."""
        return self._kept(customers[self.customers], self.day)

    def by_group(self, groups: Groups) -> Purchases:
        """As purchases of replenishment groups. Lines of products without one, and declared as not periodic, go."""
        return self._as_purchases(groups, groups.units, groups.unit_ids, groups.parents, groups.parent_ids)

    def by_product(self, groups: Groups) -> Purchases:
        """As purchases of single products, whose department is their group."""
        each = np.arange(len(groups.product_ids), dtype=np.int32)
        each[groups.units < 0] = -1
        return self._as_purchases(groups, each, groups.product_ids, np.maximum(groups.units, 0), groups.unit_ids)

    def _as_purchases(self, groups: Groups, units: Codes, unit_ids: Ids, parents: Codes, parent_ids: Ids) -> Purchases:
        places = codes_of(self.product_ids, groups.product_ids)
        product = places[self.products]
        rows = np.flatnonzero((product >= 0) & (units[product] >= 0))
        product = product[rows]
        return Purchases.of(
            self.customers[rows],
            units[product],
            self.days[rows],
            groups.packs(product, self.packs[rows]),
            np.minimum(self.prices[rows] / groups.usual_prices[product], _DEAREST),
            unit_ids,
            parents,
            parent_ids,
            self.customer_count,
            self.day,
        )

    def _kept(self, rows: Mask, day: int) -> "Lines":
        return replace(
            self,
            customers=self.customers[rows],
            products=self.products[rows],
            days=self.days[rows],
            packs=self.packs[rows],
            prices=self.prices[rows],
            day=day,
        )
