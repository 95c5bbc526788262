"""What a ranker knows of each product before anybody asks: how it sells, to whom, how soon it is bought again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, spread, united
from models.catalogue import Catalogue
from models.recommenders.base import Interactions
from models.recommenders.interaction_matrix import decay
from models.recommenders.item_statistics import loyalty, trend
from models.recommenders.repeat_intervals import repeat_intervals

FACTS = (
    "sales_7d",
    "sales_30d",
    "sales_120d",
    "trend",
    "loyalty",
    "first_sales_14d",
    "first_share",
    "repeat_interval",
    "buyers",
    "again_28d",
    "price",
    "offer",
    "view_to_add",
    "view_to_order",
    "return_share",
)
"""Columns of `ProductFacts.own`; sales, buyers, trend, interval and prices as logarithms. `offer` is the latest price
over the mean one. Those from `price` on are the feature store's, from the catalogue."""
_LITTLE = 1e-4
_AGAIN_DAYS = 28
_DOUBT = 10.0


@dataclass(frozen=True)
class ProductFacts:
    """One row a product: `own` (items, facts), -inf for what is not known of it, and its place in the catalogue.

    `categories` (levels, items) holds codes of the leaf and of what is above it, -1 where not known; `share` (levels,
    items) is the logarithm of a product's part in the sales of its category, 0 without one.
    """

    own: NDArray[np.float32]
    categories: Codes
    share: NDArray[np.float32]

    @classmethod
    def of(cls, interactions: Interactions) -> "ProductFacts":
        """As of the end of `interactions`; sums run in an order of their own, so that input order does not show."""
        count = len(interactions.item_ids)
        order = np.lexsort((interactions.weights, interactions.days, interactions.items))
        items, days, weights = interactions.items[order], interactions.days[order], interactions.weights[order]

        def sales(half_life: float) -> Floats:
            return np.bincount(items, weights * decay(days, half_life), count) / half_life

        monthly = sales(30.0)
        firsts, first_share, buyers, again = _visits(interactions)
        paths = interactions.catalogue.text("category", interactions.item_ids)
        own = (
            np.log(sales(7.0) + _LITTLE),
            np.log(monthly + _LITTLE),
            np.log(sales(120.0) + _LITTLE),
            np.log(trend(interactions)),
            loyalty(interactions),
            np.log(firsts + 200 * _LITTLE),
            first_share,
            repeat_intervals(interactions, paths),
            np.log1p(buyers),
            again,
            *_of_catalogue(interactions.catalogue, interactions.item_ids),
        )
        categories = _levels(paths)
        share = np.stack([_share(codes, monthly) for codes in categories])
        table = np.stack(own, axis=1).astype(np.float32)
        return cls(np.where(np.isnan(table), np.float32(-np.inf), table), categories, share.astype(np.float32))

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]]) -> "ProductFacts":
        """Those whose `arrays()` were saved."""
        return cls(arrays["facts"], arrays["categories"], arrays["share"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All three tables; that of facts is stored items first, the others levels first."""
        return {"facts": self.own, "categories": self.categories, "share": self.share}

    def extended(self, item_ids: Ids, catalogue: Catalogue) -> "ProductFacts":
        """Over the products of `catalogue` too: new ones have no facts, and join no category until the next fit."""
        wide = united(item_ids, catalogue.item_ids)
        if len(wide) == len(item_ids):
            return self
        new = np.ones(len(wide), bool)
        new[np.searchsorted(wide, item_ids)] = False
        own = spread(self.own, item_ids, wide)
        categories = spread(self.categories.T, item_ids, wide).T.copy()
        share = spread(self.share.T, item_ids, wide).T
        own[new], categories[:, new] = -np.inf, -1
        return ProductFacts(own, categories, share)


def _visits(interactions: Interactions) -> tuple[Floats, Floats, Floats, Floats]:
    """Of each product: first purchases lately, their share in all, customers so far, and how often one came again.

    Days on which a customer touched a product count once. Lately fades by half in 14 days; again means within 28 days
    of a day that lies as far back, shrunk to the average of the shop.
    """
    count = len(interactions.item_ids)
    days = np.floor(interactions.days)
    order = np.lexsort((days, interactions.items, interactions.customers))
    customers, items, days = interactions.customers[order], interactions.items[order], days[order]
    first = np.append(True, (customers[1:] != customers[:-1]) | (items[1:] != items[:-1]))[: len(items)]
    kept = first | np.append(True, days[1:] != days[:-1])[: len(items)]
    items, days, first = items[kept], days[kept], first[kept]
    last = np.append(first[1:], True)[: len(first)]
    gaps = np.where(last, np.inf, np.append(np.diff(days), 0)[: len(days)])
    # Sorted once more, as customers have no order of their own.
    order = np.lexsort((first, days, items))
    items, days, first, gaps = items[order], days[order], first[order], gaps[order]
    lately = decay(days, 14.0)
    firsts = np.bincount(items[first], lately[first], count).astype(np.float64)
    share = (firsts + 0.5) / (np.bincount(items, lately, count) + 1)
    buyers = np.bincount(items[first], minlength=count).astype(np.float64)
    watched = days <= days.max(initial=0) - _AGAIN_DAYS
    came = np.bincount(items[watched & (gaps <= _AGAIN_DAYS)], minlength=count)
    could = np.bincount(items[watched], minlength=count)
    average = came.sum() / max(could.sum(), 1)
    return firsts, share, buyers, (came + _DOUBT * average) / (could + _DOUBT)


def _of_catalogue(catalogue: Catalogue, item_ids: Ids) -> tuple[Floats, ...]:
    latest, usual = catalogue.number("price_last", item_ids), catalogue.number("price_mean", item_ids)
    usual = np.where(usual > 0, usual, np.nan)
    offer = np.log(np.where(latest > 0, latest, np.nan) / usual)
    shares = (catalogue.number(name, item_ids) for name in ("view_to_add", "view_to_order", "return_share"))
    return np.log(usual), offer, *shares


def _levels(paths: Ids) -> Codes:
    """Codes of the whole path and of the path without its last part, (2, items); -1 for None."""
    leaves = [path or "" for path in paths]
    branches = [leaf.rpartition("/")[0] or leaf for leaf in leaves]
    return np.stack([_codes(leaves), _codes(branches)])


def _codes(names: list[str]) -> Codes:
    known = {name: code for code, name in enumerate(sorted(set(names) - {""}))}
    return np.array([known.get(name, -1) for name in names], np.int32)


def _share(codes: Codes, sales: Floats) -> Floats:
    together = np.bincount(codes[codes >= 0], sales[codes >= 0], codes.max(initial=-1) + 1)
    share, known = np.zeros(len(codes)), codes >= 0
    share[known] = np.log((sales[known] + _LITTLE) / (together[codes[known]] + _LITTLE))
    return share
