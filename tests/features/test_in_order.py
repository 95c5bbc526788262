"""Row groups that are each in order are read as one in order, and nothing is lost of those that are not."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from features.in_order import in_order, streamed

GROUPS = st.lists(st.lists(st.text("abz_é", max_size=3), min_size=1, max_size=9), min_size=1, max_size=5)
ROWS = st.integers(1, 4)


def read(groups: list[list[str]], rows: int) -> list[str]:
    """The texts as they come; each row comes once, as it stood."""
    told = [id_ for group in groups for id_ in group]
    places = iter(range(len(told)))
    schema = pa.schema({"id": pa.string(), "place": pa.int64()})
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        with pq.ParquetWriter(path, schema) as writer:
            for group in groups:
                writer.write_table(pa.table({"id": group, "place": [next(places) for _ in group]}, schema))
        with streamed(path) as file:
            assert file.num_row_groups == len(groups)
            batches = list(in_order(file, "id", rows))
    assert all(0 < len(batch) <= rows for batch in batches)
    found = pa.Table.from_batches(batches, schema).to_pydict()
    assert sorted(found["place"]) == list(range(len(told)))
    assert [told[place] for place in found["place"]] == found["id"]
    return list(found["id"])


@given(GROUPS, ROWS)
def test_sorted_groups_come_as_one_sorted_table(groups: list[list[str]], rows: int) -> None:
    ids = read([sorted(group, key=str.encode) for group in groups], rows)
    assert ids == sorted(ids, key=str.encode)


@given(GROUPS, ROWS)
def test_rows_out_of_order_come_all_the_same(groups: list[list[str]], rows: int) -> None:
    read(groups, rows)


def test_what_is_in_memory_does_not_grow_with_the_groups(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    schema = pa.schema({"id": pa.string(), "wide": pa.binary()})
    paged: dict[str, Any] = {"use_dictionary": False, "write_batch_size": 64, "data_page_size": 100_000}
    with pq.ParquetWriter(tmp_path / "table.parquet", schema, **paged) as writer:
        for group in range(20):
            ids = [f"{row:03d}-{group}" for row in range(1_000)]
            writer.write_table(pa.table({"id": ids, "wide": [draw.bytes(2_000) for _ in ids]}, schema))
    before = pa.total_allocated_bytes()
    with streamed(tmp_path / "table.parquet") as file:
        most = max(pa.total_allocated_bytes() - before for _ in in_order(file, "id", 250))
    assert 2_000_000 < most < 12_000_000, "of 40 MB the rows of some batches, and of each group a page"
