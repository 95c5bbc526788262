"""Row groups that are each in order are read as one in order, and nothing is lost of those that are not."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from features.in_order import in_order

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
        with pq.ParquetFile(path) as file:
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
