"""How much of each group and product will be needed in the weeks ahead, from the table of who is due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.reports.interval import Interval
from features.reports.restock_calendar import Demand, Kind
from features.restock_table import RestockTable, at_days
from models.arrays import Floats, Ids
from models.time_to_event.group_names import group_name
from training.reports.restock_days import customer_blocks, interval

DAYS = 28
MOST = 100
"""Of each kind, so many are kept, the largest first: a page of thousands of rows tells nobody anything."""

Titles = Callable[[str], str | None]


@dataclass(frozen=True)
class Demanded:
    """The largest of each kind, how many groups and products there are at all, and packs of all together."""

    largest: tuple[Demand, ...]
    groups: int
    products: int
    packs: Interval


class _Foreseen(NamedTuple):
    """Of each row: packs, and customers who come back at all, each with mean and variance."""

    packs: Floats
    packs_variance: Floats
    customers: Floats


def demand(
    table: RestockTable,
    title: Titles,
    swing: float = 0.0,
    together: float = 0.0,
    days: int = DAYS,
    most: int = MOST,
) -> Demanded:
    """What customers will take until `days` after the table was made; `title` names a product.

    `swing` is by which share the packs of a group go up and down for reasons that move all customers, as promotions;
    `together` is the same of all groups at once.
    """
    parts = list(_blocks(table, days))
    columns = [np.concatenate([np.empty(0), *(part[place] for part in parts)]) for place in range(3)]
    foreseen = _Foreseen(*columns)
    units, products = table.columns["unit_id"], table.columns["product_id"]
    likely = _likeliest(units, products, foreseen.packs)
    by_group = _summed("group", units, foreseen, lambda id_: group_name(id_) or title(likely[id_]), swing)
    by_product = _summed("product", products, foreseen, title, swing)
    total = float(foreseen.packs.sum())
    of_groups = sum((swing * (one.packs.mean or 0.0)) ** 2 for one in by_group)
    every = interval(total, float(foreseen.packs_variance.sum()) + of_groups + (together * total) ** 2)
    return Demanded((*by_group[:most], *by_product[:most]), len(by_group), len(by_product), every)


def repeats(curves: Floats, mean_interval: Floats) -> tuple[Floats, Floats]:
    """How often each row is bought until the last day of its curve: mean and variance.

    `curves` (rows, days + 1) say when it is bought next; from then on it is bought again at its mean interval, as by
    chance (a Poisson number), where it has one.
    """
    days = curves.shape[1] - 1
    first = np.clip(-np.diff(curves, axis=1), 0.0, None)
    left = (days - np.arange(1, days + 1, dtype=np.float64))[None, :]
    rate = np.where(np.isfinite(mean_interval), 1 / np.maximum(mean_interval, 1.0), 0.0)
    again = left * rate[:, None]
    mean = (first * (1 + again)).sum(axis=1)
    squared = (first * ((1 + again) ** 2 + again)).sum(axis=1)
    return mean, squared - mean**2


def _blocks(table: RestockTable, days: int) -> Iterator[_Foreseen]:
    ahead = np.arange(days + 1)
    for low, high in customer_blocks(table):
        rows = slice(int(table.starts[low]), int(table.starts[high]))
        curves = at_days(table.columns["curve"][rows], ahead)
        packs = table.columns["packs"][rows].astype(np.float64)
        mean, variance = repeats(curves, table.columns["mean_interval"][rows].astype(np.float64))
        yield _Foreseen(packs * mean, packs**2 * variance, 1 - curves[:, -1])


def _likeliest(units: Ids, products: Ids, packs: Floats) -> dict[str, str]:
    """The product of each group of which most is needed; ties go to the first by id."""
    codes, places = np.unique(units.astype(str), return_inverse=True)
    names, of = np.unique(products.astype(str), return_inverse=True)
    pairs, back = np.unique(places.astype(np.int64) * max(len(names), 1) + of, return_inverse=True)
    totals = np.bincount(back, packs, len(pairs))
    order = np.lexsort((pairs, -totals))
    groups, which = np.divmod(pairs[order], max(len(names), 1))
    found, first = np.unique(groups, return_index=True)
    return dict(zip(codes[found].tolist(), names[which[first]].tolist(), strict=True))


def _summed(kind: Kind, ids: Ids, foreseen: _Foreseen, title: Titles, swing: float) -> list[Demand]:
    """The sums of each id, the largest first; equal ones by id."""
    names, places = np.unique(ids.astype(str), return_inverse=True)
    count, chance = len(names), foreseen.customers
    packs, variance = (np.bincount(places, column, count) for column in foreseen[:2])
    customers, spread = (np.bincount(places, column, count) for column in (chance, chance * (1 - chance)))
    variance = variance + (swing * packs) ** 2
    return [
        Demand(
            kind,
            id_,
            title(id_),
            interval(float(packs[place]), float(variance[place])),
            interval(float(customers[place]), float(spread[place])),
        )
        for place in np.lexsort((np.arange(count), -packs)).tolist()
        for id_ in [str(names[place])]
    ]
