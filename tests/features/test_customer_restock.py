"""The table of what is foreseen holds what it was given, one row a customer, and nothing half-known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from features.customer_restock import keep_restock
from tests.features.shop import day

WHO = np.array(["a", "b"], object)
COLUMNS = {
    "repurchase_probability_28d": np.array([0.5, 0.1]),
    "is_overdue": np.array([True, False]),
    "groups_due_7d": np.array([3, 0]),
    "next_order_days": np.array([12.5, np.nan]),
}


def test_what_was_given_is_kept_and_what_is_not_known_is_null(tmp_path: Path) -> None:
    path = keep_restock(tmp_path, day(3), day(4), 17, WHO, COLUMNS)
    first, second = pq.read_table(path).to_pylist()
    assert (first["event_timestamp"], first["created"], first["log_position"]) == (day(3), day(4), 17)
    assert [first[name] for name in COLUMNS] == [0.5, True, 3, 12.5]
    assert second["next_order_days"] is None


def test_a_moment_has_one_table(tmp_path: Path) -> None:
    keep_restock(tmp_path, day(3), day(3), 1, WHO, COLUMNS)
    path = keep_restock(tmp_path, day(3), day(4), 2, WHO[:1], {name: column[:1] for name, column in COLUMNS.items()})
    assert [path] == list(path.parent.iterdir())
    assert pq.read_table(path)["log_position"].to_pylist() == [2]


def test_rows_out_of_order_or_twice_are_refused(tmp_path: Path) -> None:
    for ids in (["b", "a"], ["a", "a"]):
        with pytest.raises(ValueError, match="sorted and without doubles"):
            keep_restock(tmp_path, day(3), day(3), 1, np.array(ids, object), COLUMNS)


@pytest.mark.parametrize("columns", [{}, {**COLUMNS, "shoe_size": np.zeros(2)}], ids=["missing", "unknown"])
def test_features_are_those_of_the_definitions(tmp_path: Path, columns: dict[str, NDArray[Any]]) -> None:
    with pytest.raises(ValueError, match=r"those of definitions\.py"):
        keep_restock(tmp_path, day(3), day(3), 1, WHO, columns)
