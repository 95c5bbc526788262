"""What goes into the prepared cart of one customer: the model's choice, from what is for sale now, as was taught."""

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from models.arrays import Floats, codes_of
from models.time_to_event.cart import Offer, prepare
from models.time_to_event.cart_selection import ExpectedF1
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from serving.bundle import Shelf
from serving.restock.customer import dated
from serving.restock.taught import Taught
from serving.restock.wording import NO_PAST, Past


@dataclass(frozen=True)
class Line:
    """One need that is met by `quantity` of a product; `substitute_for` is the one that was meant and is sold out."""

    product_id: str
    unit_id: str
    quantity: int
    probability: float
    reason: str
    substitute_for: str | None = None
    past: Past = NO_PAST
    confidence: str | None = None


@dataclass(frozen=True)
class Choice:
    """The lines of a cart, the likeliest first; `sold_out` are products that are needed and cannot be had.

    `wait` is in how many days the customer shops next, None where nobody knows.
    """

    lines: tuple[Line, ...] = ()
    sold_out: tuple[str, ...] = ()
    wait: int | None = None


def chosen(forecasts: Forecasts, groups: Groups, shelf: Shelf, taught: Taught, max_items: int) -> Choice:
    """The cart for the next day of shopping of the only customer in `forecasts`."""
    open_ = np.array([str(unit) not in taught.rejected for unit in forecasts.unit_ids], bool)
    asked = forecasts.rows(open_)
    carts = prepare(asked, _offer(asked, groups, shelf), ExpectedF1(size=max_items))
    units = asked.unit_ids[carts.forecasts].tolist()
    columns = zip(
        carts.product_ids.tolist(),
        units,
        carts.packs.tolist(),
        carts.probabilities.tolist(),
        carts.reasons.tolist(),
        carts.substitute_for.tolist(),
        _pasts(asked.rows(carts.forecasts.astype(np.int32))),
        asked.confidence[carts.forecasts].tolist(),
        strict=True,
    )
    wait = float(carts.shopping.next[0])
    return Choice(
        tuple(
            Line(product, unit, taught.packs.get(unit, max(round(packs), 1)), round(due, 4), reason, meant, past, sure)
            for product, unit, packs, due, reason, meant, past, sure in columns
        ),
        tuple(asked.product_ids[carts.sold_out].tolist()),
        int(wait) if isfinite(wait) else None,
    )


def shopping_in(forecasts: Forecasts, days: int) -> Forecasts:
    """The same of a customer who is sure to shop in so many days, and not before."""
    sure: Floats = (np.arange(forecasts.trips.shape[1]) < days).astype(np.float64)[None, :]
    return replace(forecasts, trips=sure)


def for_sale(shelf: Shelf, product_id: str) -> bool:
    """Whether a product can be had; anything can where the shop has told no catalogue."""
    product = shelf.products.get(product_id)
    return product.in_stock if product is not None else not shelf.revision


def _pasts(forecasts: Forecasts) -> list[Past]:
    """What each row rests on."""
    told = (forecasts.evidence[name].tolist() for name in ("purchases", "elapsed", "mean_interval"))
    return [
        Past(int(purchases), dated(forecasts.day - elapsed), None, interval if isfinite(interval) else None)
        for purchases, elapsed, interval in zip(*told, strict=True)
    ]


def _offer(forecasts: Forecasts, groups: Groups, shelf: Shelf) -> Offer:
    """What is for sale of the products that `forecasts` name."""
    named = {*forecasts.product_ids.tolist(), *forecasts.alternatives.ravel().tolist()} - {None}
    product_ids = np.array(sorted(named), object)
    products = [shelf.products.get(id_) for id_ in product_ids]
    prices = [np.nan if product is None or product.price is None else float(product.price) for product in products]
    places = codes_of(product_ids, groups.product_ids)
    return Offer(
        product_ids,
        np.array([for_sale(shelf, id_) for id_ in product_ids], bool),
        np.array(prices, np.float64),
        np.where(places >= 0, groups.contents[places], np.nan),
    )
