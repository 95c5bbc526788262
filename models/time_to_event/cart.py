"""The prepared cart: what a customer should find in it on the next day of shopping, chosen as a set.

A cart is for one trip and has to last until the next: whatever is due by the trip after it belongs there. Which of that
goes in is a choice of the whole set, since every wrong thing spoils what is right; the empty cart competes. What is due
comes together, on a trip, or not at all: how likely no trip is speaks for the empty cart, and for a full one otherwise.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, codes_of
from models.time_to_event.cart_selection import Candidates, ExpectedF1, Selection
from models.time_to_event.curves import quantile
from models.time_to_event.forecast import Forecasts

Reason = Literal["overdue", "usual_interval", "running_low", "declared_periodic"]
"""`overdue`: later than usual; `usual_interval`: likely needed by the day of shopping; `running_low`: needed before the
trip after it; `declared_periodic`: bought once, and the shop says that it is bought periodically."""

WEEK = 7
_CANDIDATES = 64


@dataclass(frozen=True)
class Offer:
    """What the shop has: of each of `product_ids` (sorted) whether it is `available`, its price in the shop's currency
    and how much a pack holds, both NaN where nobody knows. A product that is not named is not available."""

    product_ids: Ids
    available: Mask
    prices: Floats
    contents: Floats

    def __post_init__(self) -> None:
        columns = (self.product_ids, self.available, self.prices, self.contents)
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"an offer needs columns of one length, found {[len(column) for column in columns]}")


@dataclass(frozen=True)
class Shopping:
    """For each customer the likely `next` trip, days from now, infinite where nobody knows, and `until` which day a
    cart of that trip has to last."""

    next: Floats
    until: NDArray[np.int64]


@dataclass(frozen=True)
class Carts:
    """One row an item, sorted by customer, the likeliest first; a customer without a row has an empty cart.

    `forecasts` (rows,) are the rows of the forecasts that were asked with. `substitute_for` is the product that was
    meant and is sold out, None where it is the one. `sold_out` are rows of forecasts that are as likely as what is in
    the cart, and nothing of their group can be had.
    """

    customers: Codes
    forecasts: NDArray[np.int64]
    product_ids: Ids
    packs: Floats
    prices: Floats
    probabilities: Floats
    reasons: Ids
    substitute_for: Ids
    sold_out: NDArray[np.int64]
    shopping: Shopping

    def __len__(self) -> int:
        return len(self.customers)


def shopping(trips: Floats) -> Shopping:
    """From the curves of the next order, shape (customers, days + 1).

    The trip after the next comes about as much later as the next one comes from now. Whoever may never come again has
    no such day, and the cart is for a week.
    """
    wait = np.ceil(quantile(trips, 0.5))
    until = np.clip(2 * np.where(np.isfinite(wait), wait, 0.0), WEEK, trips.shape[1] - 1)
    return Shopping(wait, until.astype(np.int64))


def prepare(
    forecasts: Forecasts,
    offer: Offer,
    selection: Selection = ExpectedF1(),  # noqa: B008 - frozen
    when: Shopping | None = None,
) -> Carts:
    """The carts of all customers in `forecasts`: for the trip that `when` names, else for each one's likely next."""
    when = shopping(forecasts.trips) if when is None else when
    rows = np.flatnonzero(forecasts.known)
    due = 1.0 - forecasts.curves[rows, np.minimum(when.until[forecasts.customers[rows]], forecasts.curves.shape[1] - 1)]
    meant, taken = _products(forecasts, offer, rows)
    there = np.flatnonzero((taken >= 0) & (due > 0))
    there = there[np.lexsort((rows[there], -due[there], forecasts.customers[rows[there]]))]
    people = forecasts.customers[rows[there]]
    away = forecasts.trips[np.arange(len(when.until)), when.until]
    kept = there[_selected(people, due[there], offer.prices[taken[there]], away, selection)]
    row, product = rows[kept], taken[kept]
    instead_of = forecasts.product_ids[row].copy()
    instead_of[product == meant[kept]] = None
    least = np.full(len(forecasts.trips), 0.5)
    people = forecasts.customers[row]
    least[people] = 1.0
    np.minimum.at(least, people, due[kept])
    gone = (taken < 0) & (due >= least[forecasts.customers[rows]])
    return Carts(
        people,
        row,
        offer.product_ids[product],
        _packs(forecasts.packs[row], offer.contents, meant[kept], product),
        offer.prices[product],
        due[kept],
        _reasons(forecasts, row, when),
        instead_of,
        rows[gone],
        when,
    )


def _products(forecasts: Forecasts, offer: Offer, rows: NDArray[np.int64]) -> tuple[Codes, Codes]:
    """The product that is meant for each row and the first of its alternatives that is available, -1 for none."""
    wanted = forecasts.product_ids[rows, None]
    named = np.hstack([wanted, forecasts.alternatives[rows]]) if len(forecasts.alternatives) else wanted
    written = np.where(named == None, "", named)  # noqa: E711 - of each entry: a row with fewer alternatives
    places = codes_of(written.ravel(), offer.product_ids).reshape(named.shape)
    can = (places >= 0) & (offer.available[places] if len(offer.available) else False)
    first = can.argmax(axis=1)
    taken = np.where(can.any(axis=1), places[np.arange(len(rows)), first], -1)
    return places[:, 0], taken.astype(np.int32)


def _selected(customers: Codes, due: Floats, prices: Floats, away: Floats, selection: Selection) -> NDArray[np.int64]:
    """Which rows are chosen; rows are sorted by customer, the likeliest first."""
    who, start, row = np.unique(customers, return_index=True, return_inverse=True)
    rank = np.arange(len(customers)) - start[row]
    near = rank < _CANDIDATES
    width = int(rank[near].max()) + 1 if len(rank) else 0
    chances, costs = np.zeros((len(who), width)), np.full((len(who), width), np.nan)
    chances[row[near], rank[near]], costs[row[near], rank[near]] = due[near], prices[near]
    beyond = np.bincount(row[~near], due[~near], len(who)).astype(np.float64)
    chosen = selection.chosen(Candidates(chances, costs, beyond, away[who]))
    inside: NDArray[np.int64] = np.flatnonzero(near)[chosen[row[near], rank[near]]]
    return inside


def _packs(packs: Floats, contents: Floats, meant: Codes, product: Codes) -> Floats:
    """How many of a substitute: fewer of a bigger pack, but not more of a smaller one.

    On Complete Journey those who change to a pack of twice the size and more take so many fewer (mean error .38 packs
    instead of .52), those who change to half the size hardly more (2.0 instead of .64, were it in proportion).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(meant >= 0, contents[meant] / contents[product], 1.0)
    smaller = np.where(np.isfinite(ratio) & (ratio > 0), np.minimum(ratio, 1.0), 1.0)
    return np.asarray(np.maximum(np.round(packs * smaller), 1.0), np.float64)


def _reasons(forecasts: Forecasts, rows: NDArray[np.int64], when: Shopping) -> Ids:
    wait = when.next[forecasts.customers[rows]]
    last = forecasts.curves.shape[1] - 1
    by_then = np.clip(np.where(np.isfinite(wait), wait, WEEK), 1, last).astype(np.int64)
    once = forecasts.evidence["purchases"][rows] < 2
    likely = forecasts.curves[rows, by_then] <= 0.5
    choices = [once, forecasts.status[rows] == "overdue", likely]
    return np.select(choices, ["declared_periodic", "overdue", "usual_interval"], "running_low").astype(object)
