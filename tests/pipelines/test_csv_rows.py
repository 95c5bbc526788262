"""CSV rows: the fast way and the careful way read the same, and a broken record costs its own lines only."""

import csv
import io
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import csv_rows
from pipelines.csv_rows import csv_parts
from pipelines.text_rows import LINE, BadLine

values = st.text(st.characters(codec="utf-8", exclude_characters='",\r\n'), max_size=6)
tables = st.lists(st.lists(values, min_size=2, max_size=2), max_size=20)


def read(text: str) -> tuple[list[tuple[object, ...]], list[BadLine]]:
    """Line number and values of every row, and the bad lines."""
    rows: list[tuple[object, ...]] = []
    bad: list[BadLine] = []
    for part in csv_parts(io.StringIO(text, newline="")):
        rows += zip(*(column.to_pylist() for column in part.table.columns), strict=True)
        bad += part.bad
        assert part.table.column_names[0] == LINE
    return rows, bad


def written(rows: Iterable[list[str]], quoting: int) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return "a,b\r\n" + file.getvalue()


@settings(deadline=None)
@given(tables)
def test_rows_without_quotes_and_with_quotes_read_the_same(rows: list[list[str]]) -> None:
    plain = "a,b\r\n" + "".join(",".join(row) + "\r\n" for row in rows)
    expected = [(number, *row) for number, row in enumerate(rows, start=2)]
    assert read(plain) == read(written(rows, csv.QUOTE_ALL)) == (expected, [])


@settings(deadline=None)
@given(tables, st.lists(st.text(max_size=8), min_size=2, max_size=2))
def test_what_python_writes_is_what_is_read(rows: list[list[str]], wild: list[str]) -> None:
    wild = [value.encode(errors="ignore").decode() for value in wild]
    found, bad = read(written([*rows, wild, *rows], csv.QUOTE_MINIMAL))
    assert [list(row[1:]) for row in found] == [*rows, wild, *rows]
    assert bad == []


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 4))
def test_no_text_stops_the_reader_and_no_line_is_read_twice(text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "CHUNK_ROWS", chunk)
        rows, bad = read("a,b\n" + text)
    numbers = [int(str(row[0])) for row in rows] + [line.line for line in bad]
    assert len(numbers) == len(set(numbers))
    assert all(2 <= number <= 1 + len(text.splitlines() or [""]) + text.count("\r") for number in numbers)


@pytest.mark.parametrize("chunk", [1, 2, 3, 50_000])
def test_the_size_of_chunks_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'a,b\n1,2\n"3\n3",4\n5\n"6" 7,8\n\n9,"10\n11,12\n13,14\n'
    monkeypatch.setattr(csv_rows, "CHUNK_ROWS", chunk)
    rows, bad = read(text)
    assert rows == [(2, "1", "2"), (3, "3\n3", "4"), (9, "11", "12"), (10, "13", "14")]
    assert [(line.line, line.reason) for line in bad] == [
        (5, "wrong column count"),
        (6, "broken quotes"),
        (8, "broken quotes"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    assert read(f"a{delimiter}b\n1{delimiter}2\n") == ([(2, "1", "2")], [])
