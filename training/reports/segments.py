"""Customers by recency, frequency and money, and by how likely they come back, with what became of that.

Classes are quintiles of those who ever ordered (Hughes, "Strategic Database Marketing", 1994) and deciles of those who
have a forecast.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.customer_segments import (
    CLASSES,
    DECILES,
    Classes,
    Customers,
    Floats,
    Forecast,
    cell_key,
    decile_key,
    deciles,
    edges_of,
    scores,
)
from features.first_orders import FirstOrders
from features.reports.segments import Cell, Class, Decile, Edges, Segments
from training.reports.gateways import gateways
from training.reports.wilson import share


@dataclass(frozen=True)
class Foreseen:
    """A forecast and the moment it was made for; `came` are those who did order within 28 days, None if not known."""

    as_of: datetime
    forecast: Forecast
    came: Collection[str] | None = None


@dataclass(frozen=True)
class Known:
    """What segments are made of: the table of customers with its moment, the latest forecast, an older one of which is
    known what came, and first orders. None for what there is not."""

    customers: tuple[datetime, Customers] | None
    latest: Foreseen | None
    checked: Foreseen | None
    first: FirstOrders | None


def segments(known: Known, as_of: datetime, computed_at: datetime) -> Segments:
    """The report, from tables that were made before `as_of`."""
    empty = np.empty(0)
    table_as_of, customers = known.customers or (None, Customers(np.empty(0, object), empty, empty, empty))
    ordered = customers.ordered
    forecast = known.latest.forecast.probability if known.latest else empty
    edges = Edges(
        recency=edges_of(customers.recency[ordered], CLASSES),
        frequency=edges_of(customers.frequency[ordered], CLASSES),
        monetary=edges_of(customers.monetary[ordered], CLASSES),
        probability=edges_of(forecast, DECILES),
    )
    score = scores(customers, edges)
    revenue = float(customers.monetary[ordered].sum())
    return Segments(
        as_of=as_of,
        computed_at=computed_at,
        table_as_of=table_as_of,
        customers=len(ordered),
        without_order=int((~ordered).sum()),
        revenue=round(revenue, 2),
        edges=edges,
        recency=_classes(score["recency"], customers.recency, customers.monetary),
        frequency=_classes(score["frequency"], customers.frequency, customers.monetary),
        monetary=_classes(score["monetary"], customers.monetary, customers.monetary),
        cells=_cells(score["recency"], score["frequency"], customers.monetary, int(ordered.sum()), revenue),
        forecast_as_of=known.latest.as_of if known.latest else None,
        deciles=_deciles(known.latest),
        checked_as_of=known.checked.as_of if known.checked else None,
        checked=_deciles(known.checked),
        gateways=gateways(known.first),
    )


def _classes(score: Classes, values: Floats, money: Floats) -> tuple[Class, ...]:
    found = []
    for number in range(1, CLASSES + 1):
        inside = score == number
        if inside.any():
            ends = float(values[inside].min()), float(values[inside].max())
            found.append(Class(number, *ends, int(inside.sum()), round(float(money[inside].sum()), 2)))
    return tuple(found)


def _cells(recency: Classes, frequency: Classes, money: Floats, customers: int, revenue: float) -> tuple[Cell, ...]:
    wide = CLASSES + 1
    place = recency * wide + frequency
    counts = np.bincount(place, minlength=wide * wide)
    spent = np.bincount(place, money, wide * wide)
    return tuple(
        Cell(
            key=cell_key(r, f),
            recency=r,
            frequency=f,
            customers=int(counts[r * wide + f]),
            revenue=round(float(spent[r * wide + f]), 2),
            customers_share=float(counts[r * wide + f]) / customers,
            revenue_share=float(spent[r * wide + f]) / revenue if revenue > 0 else None,
        )
        for r in range(CLASSES, 0, -1)
        for f in range(1, CLASSES + 1)
        if counts[r * wide + f]
    )


def _deciles(foreseen: Foreseen | None) -> tuple[Decile, ...]:
    """The tenths of a forecast, by its own edges."""
    if foreseen is None:
        return ()
    probability = foreseen.forecast.probability
    number = deciles(foreseen.forecast, Edges((), (), (), edges_of(probability, DECILES)))
    came = _came(foreseen)
    found = []
    for decile in range(1, DECILES + 1):
        inside = number == decile
        if inside.any():
            values, count = probability[inside], int(inside.sum())
            found.append(
                Decile(
                    key=decile_key(decile),
                    number=decile,
                    least=float(values.min()),
                    most=float(values.max()),
                    customers=count,
                    expected=float(values.mean()),
                    came=None if came is None else share(int(came[inside].sum()), count),
                )
            )
    return tuple(found)


def _came(foreseen: Foreseen) -> NDArray[np.bool_] | None:
    if foreseen.came is None:
        return None
    back = set(foreseen.came)
    return np.array([id_ in back for id_ in foreseen.forecast.customer_ids], bool)
