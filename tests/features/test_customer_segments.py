"""Which segment a customer is in: the same from a table as from arrays, and nobody is lost on the way."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from features.customer_segments import (
    CLASSES,
    WITHOUT_ORDER,
    Customers,
    deciles,
    edges_of,
    forecast_of,
    keys,
    read_customers,
    read_forecast,
)
from features.reports.segments import Edges

EDGES = Edges((7.0, 30.0, 90.0, 180.0), (1.0, 2.0, 4.0, 8.0), (10.0, 20.0, 40.0, 80.0), (0.1, 0.5))


def test_a_value_on_an_edge_is_in_the_class_that_ends_there() -> None:
    found = Customers(
        np.array(["a", "b", "c", "d"], object),
        np.array([7.0, 7.5, 181.0, np.nan]),
        np.array([8.0, 9.0, 1.0, 0.0]),
        np.array([1.0, 1.0, 1.0, 0.0]),
    )
    told = keys(found, EDGES).tolist()
    assert told == ["recency-5-frequency-4", "recency-4-frequency-5", "recency-1-frequency-1", WITHOUT_ORDER]


def test_who_has_no_forecast_is_in_no_decile(tmp_path: Path) -> None:
    table = pa.table({"customer_id": ["a", "b", "c"], "repurchase_probability_28d": [0.1, None, 0.7]})
    assert deciles(forecast_of(table), EDGES).tolist() == [1, 0, 3]
    pq.write_table(table, tmp_path / "table.parquet")
    read = read_forecast(tmp_path / "table.parquet")
    assert (read.customer_ids.tolist(), deciles(read, EDGES).tolist()) == (["a", "c"], [1, 3])


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = pa.table(
        {
            "monetary": [5.0, 0.0],
            "customer_id": ["a", "b"],
            "more": [1, 2],
            "frequency": pa.array([3, 0], pa.int64()),
            "recency_days": [2.5, None],
        }
    )
    pq.write_table(table, tmp_path / "table.parquet")
    found = read_customers(tmp_path / "table.parquet")
    assert found.ordered.tolist() == [True, False]
    assert (found.recency[0], found.frequency[0], found.monetary[0]) == (2.5, 3.0, 5.0)


@given(st.lists(st.integers(0, 50).map(float), max_size=80))
def test_edges_rise_and_are_values_that_occur(values: list[float]) -> None:
    edges = edges_of(np.array(values), CLASSES)
    assert list(edges) == sorted(edges)
    assert set(edges) <= set(values)
    assert len(edges) == (CLASSES - 1 if values else 0)
