"""The table of who is due: what was written is read, in order, whole or not at all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.restock_table import CURVE_DAYS, SCHEMA, at_days, newest, read, write

AS_OF = datetime(2026, 11, 21, 12, tzinfo=UTC)
CURVE = np.linspace(1.0, 0.2, len(CURVE_DAYS), dtype=np.float32)


def part(*keys: tuple[str, str], curve: Any = CURVE) -> pa.Table:
    rows = [
        {
            "customer_id": customer,
            "unit_id": unit,
            "product_id": f"{unit}-1",
            "packs": 2.0,
            "curve": curve.tolist(),
            "status": "due",
            "confidence": "low",
            "purchases": 3.0,
            "elapsed": 5.0,
            "mean_interval": float("nan"),
            "next_order": curve.tolist(),
        }
        for customer, unit in keys
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def test_rows_are_read_by_customer_whatever_the_order_and_the_parts_they_came_in(tmp_path: Path) -> None:
    keys = [("u2", "milk"), ("u1", "tea"), ("u1", "milk"), ("ü", "milk"), ("u10", "tea")]
    whole = read(write(tmp_path / "one", AS_OF, 7, [part(*keys)]))
    parts = read(
        write(tmp_path / "many", AS_OF, 7, [part(keys[3]), part(keys[4]), part(keys[1], keys[2]), part(keys[0])])
    )
    for table in (whole, parts):
        assert (table.as_of, table.log_position, len(table)) == (AS_OF, 7, 5)
        assert table.customer_ids.tolist() == sorted({customer for customer, _ in keys})
        assert table.starts.tolist() == [0, 2, 3, 4, 5]
        assert table.columns["unit_id"].tolist() == ["milk", "tea", "tea", "milk", "milk"]
        assert table.columns["curve"].shape == table.columns["next_order"].shape == (5, len(CURVE_DAYS))
        assert np.array_equal(table.columns["curve"][0], CURVE)
        assert np.isnan(table.columns["mean_interval"]).all()
        assert [table.place(id_) for id_ in ("u1", "ü", "u", "zz", "")] == [0, 3, None, None, None]


@pytest.mark.parametrize("parts", [[], [part()]])
def test_a_table_of_nobody_is_one(tmp_path: Path, parts: list[pa.Table]) -> None:
    table = read(write(tmp_path, AS_OF, 0, parts))
    assert (len(table), len(table.customer_ids), table.place("u1")) == (0, 0, None)
    assert table.columns["curve"].shape == (0, len(CURVE_DAYS))


def test_the_newest_table_is_that_of_the_latest_moment(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="restock score"):
        newest(tmp_path)
    for hours in (0, 30, 5):
        write(tmp_path, AS_OF + timedelta(hours=hours), hours, [part(("u1", "tea"))])
    assert read(newest(tmp_path)).log_position == 30
    write(tmp_path, AS_OF + timedelta(hours=30), 31, [])
    assert read(newest(tmp_path)).log_position == 31


def test_a_part_with_other_columns_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises((KeyError, ValueError)):
        write(tmp_path, AS_OF, 0, [part(("u1", "tea")).drop_columns(["curve"])])
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_latest_tables_stay_and_so_does_the_one_just_written(tmp_path: Path) -> None:
    for hours in (5, 1, 2, 3, 4):
        written = write(tmp_path, AS_OF + timedelta(hours=hours), hours, [part(("u1", "tea"))])
        assert written.exists()
    kept = sorted(read(path).log_position for path in (tmp_path / "restock").iterdir())
    assert kept == [3, 4, 5]
    past = write(tmp_path, AS_OF, 0, [])
    assert read(past).log_position == 0
    assert read(newest(tmp_path)).log_position == 5


def test_a_write_that_fails_leaves_no_half_of_a_file_and_the_table_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, AS_OF, 1, [part(("u1", "tea"))])

    def half(_: pa.Table, where: Path, **__: object) -> None:
        where.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("features.restock_table.pq.write_table", half)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path, AS_OF, 2, [part(("u2", "tea"))])
    assert list((tmp_path / "restock").iterdir()) == [path]
    assert read(path).log_position == 1


@given(
    falls=st.lists(st.floats(0, 1), min_size=len(CURVE_DAYS) - 1, max_size=len(CURVE_DAYS) - 1),
    days=st.lists(st.floats(-5, 200), min_size=1, max_size=20),
)
def test_a_curve_between_its_days_keeps_falling_and_meets_them(falls: list[float], days: list[float]) -> None:
    curve = np.cumprod([1.0, *falls])[None, :]
    assert np.allclose(at_days(curve, np.array(CURVE_DAYS)), curve)
    found = at_days(curve, np.sort(days))[0]
    assert (np.diff(found) <= 1e-12).all()
    assert (found >= curve.min() - 1e-12).all()
    assert (found <= 1).all()
