"""What a step of a build leaves, the next one finds: every column as it was, dictionaries included, no row or many."""

from pathlib import Path

import pyarrow as pa
import pytest

from features import arrow_file
from features.results import written

ROWS = pa.table(
    {
        "id": pa.chunked_array([["tea", None], ["milk"]]).dictionary_encode().unify_dictionaries(),
        "days": pa.array([[1.0], None, [2.0, 3.0]]),
        "created": pa.array([0, None, 5], pa.timestamp("us", "UTC")),
    }
)


@pytest.mark.parametrize("table", [ROWS, ROWS.slice(0, 0), pa.concat_tables([ROWS] * 1_000).unify_dictionaries()])
def test_a_table_comes_back(table: pa.Table, tmp_path: Path) -> None:
    written(tmp_path / "rows.arrow", lambda path: arrow_file.write(table, path))
    found = arrow_file.read(tmp_path / "rows.arrow")
    assert found.equals(table)
    assert found.schema == table.schema
