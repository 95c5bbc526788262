"""Which segment a customer is in: by edges that a report found, read from the tables of features.

The report counts customers by this, and whoever exports a segment finds the same ones by it. Values that are equal are
in one class, so classes may be uneven, or fewer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.reports.segments import Edges
from features.simulated import PREFIX

CLASSES = 5
"""Of recency, frequency and money."""

DECILES = 10
WITHOUT_ORDER = "without-order"
"""The key of those who never ordered."""

CUSTOMER_COLUMNS = ("customer_id", "recency_days", "frequency", "monetary")
"""Of the view `customer`."""

FORECAST_COLUMNS = ("customer_id", "repurchase_probability_28d")
"""Of the view `customer_restock`."""

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Customers:
    """One entry a customer of a table: days since the last order (NaN without one), orders, and money spent."""

    customer_ids: NDArray[np.object_]
    recency: Floats
    frequency: Floats
    monetary: Floats

    @property
    def ordered(self) -> NDArray[np.bool_]:
        """Who ever did."""
        return np.asarray((self.frequency > 0) & ~np.isnan(self.recency))


@dataclass(frozen=True)
class Forecast:
    """One entry a customer of a table: the probability of an order within 28 days, NaN for who has none."""

    customer_ids: NDArray[np.object_]
    probability: Floats


def read_customers(path: Path) -> Customers:
    """What segments are made of, from a table of the view `customer`; of real customers alone."""
    return customers_of(_real(pq.read_table(path, columns=list(CUSTOMER_COLUMNS))))


def read_forecast(path: Path) -> Forecast:
    """The same from one of the view `customer_restock`; customers without a forecast are left out."""
    table = _real(pq.read_table(path, columns=list(FORECAST_COLUMNS)))
    return forecast_of(table.filter(pc.is_valid(table[FORECAST_COLUMNS[1]])))


def _real(table: pa.Table) -> pa.Table:
    return table.filter(pc.invert(pc.starts_with(table["customer_id"], PREFIX)))


def customers_of(table: pa.Table) -> Customers:
    """The rows of `CUSTOMER_COLUMNS`."""
    return Customers(*_arrays(table, CUSTOMER_COLUMNS))


def forecast_of(table: pa.Table) -> Forecast:
    """The rows of `FORECAST_COLUMNS`."""
    return Forecast(*_arrays(table, FORECAST_COLUMNS))


def edges_of(values: Floats, classes: int) -> tuple[float, ...]:
    """Where to divide `values` into so many classes of about the same size: values that occur.

    >>> edges_of(np.arange(1.0, 11.0), 5)
    (2.0, 4.0, 6.0, 8.0)
    """
    if not len(values):
        return ()
    shares = np.arange(1, classes) / classes
    return tuple(np.quantile(values, shares, method="inverted_cdf").tolist())


def scores(customers: Customers, edges: Edges) -> Mapping[str, Classes]:
    """The scores 1 to 5 of each customer in `recency`, `frequency` and `monetary`; 0 for who never ordered."""
    ordered = customers.ordered
    late = np.searchsorted(edges.recency, np.nan_to_num(customers.recency), side="left")
    return {
        "recency": np.where(ordered, CLASSES - late, 0),
        "frequency": np.where(ordered, _class(edges.frequency, customers.frequency), 0),
        "monetary": np.where(ordered, _class(edges.monetary, customers.monetary), 0),
    }


def deciles(forecast: Forecast, edges: Edges) -> Classes:
    """The decile of each customer, from 1, the least likely to come back; 0 for who has no forecast."""
    known = ~np.isnan(forecast.probability)
    return np.where(known, _class(edges.probability, forecast.probability), 0)


def cell_key(recency: int, frequency: int) -> str:
    """The key of the customers of these two scores.

    >>> cell_key(5, 4), decile_key(10)
    ('recency-5-frequency-4', 'decile-10')
    """
    return f"recency-{recency}-frequency-{frequency}"


def decile_key(decile: int) -> str:
    """The key of the customers of a decile."""
    return f"decile-{decile}"


def keys(customers: Customers, edges: Edges) -> NDArray[np.object_]:
    """The key of each customer's segment: one of the cells, or `WITHOUT_ORDER`."""
    found = scores(customers, edges)
    names = np.array(
        [cell_key(r, f) if r and f else WITHOUT_ORDER for r in range(CLASSES + 1) for f in range(CLASSES + 1)], object
    )
    return np.asarray(names[found["recency"] * (CLASSES + 1) + found["frequency"]], object)


def _class(edges: tuple[float, ...], values: Floats) -> Classes:
    return np.asarray(np.searchsorted(edges, values, side="left") + 1, np.int64)


def _arrays(table: pa.Table, names: tuple[str, ...]) -> list[NDArray[Any]]:
    ids, *values = names
    return [table[ids].to_numpy(), *(table[name].cast(pa.float64()).to_numpy() for name in values)]
