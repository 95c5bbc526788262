"""Rows of a CSV file, each with its line number; a line that is no row is set aside, and reading goes on behind it.

Stretches without a quote take pyarrow's way, six times as fast; the others are read record by record.
"""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.csv

from pipelines.text_rows import (
    BROKEN_QUOTES,
    CHUNK_ROWS,
    LINE,
    UNDECODABLE,
    WRONG_COLUMN_COUNT,
    BadLine,
    Part,
    Row,
    bare,
    is_text,
    table_of,
)

_LONGEST_RECORD = 1_000


class _Lines:
    """Lines of a file that can be given back, so that a broken record is read again from its second line."""

    def __init__(self, file: Iterable[str]) -> None:
        self._file = iter(file)
        self._again: deque[str] = deque()
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.record) >= _LONGEST_RECORD:
            raise csv.Error("a quote that never closes")
        line = self._again.popleft() if self._again else next(self._file)
        self.record.append(line)
        return line

    def begin(self) -> int:
        """Start the next record; the number of its first line."""
        self.number += len(self.record)
        self.record = []
        return self.number + 1

    def reject(self) -> str:
        """The first line of a broken record; the others will be read again."""
        first, *rest = self.record
        self._again.extendleft(reversed(rest))
        self.record = [first]
        return bare(first)

    def peek(self, count: int) -> list[str]:
        """The next `count` lines, or what is left; they stay to be read."""
        self._again.extend(islice(self._file, max(0, count - len(self._again))))
        return list(islice(self._again, count))

    def skip(self, count: int) -> None:
        """Go on behind lines that were peeked at."""
        self.record = [self._again.popleft() for _ in range(count)]
        self.begin()


def csv_parts(file: Iterable[str]) -> Iterator[Part]:
    """The rows under a header that names every column; `,`, `;` and tab are told apart by the header."""
    lines = _Lines(file)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if (
        not columns
        or not all(columns)
        or len({name.lower() for name in columns}) < len(columns)
        or not is_text(columns)
    ):
        raise ValueError(f"the first line must name every column, each once; found: {bare(header)[:200]!r}")
    first = lines.begin()
    yield Part(table_of(columns, [], []))
    while block := lines.peek(CHUNK_ROWS):
        table = _plain_table(block, columns, delimiter)
        if table is not None:
            lines.skip(len(block))
            numbers = pa.array(range(first, first + len(block)), pa.int64())
            yield Part(table.add_column(0, LINE, numbers))
        else:
            yield _csv_part(lines, columns, delimiter, first + len(block))
        first = lines.begin()


def _plain_table(block: list[str], columns: Sequence[str], delimiter: str) -> pa.Table | None:
    """The rows of lines that need no care: no quotes, as many values as columns each, and all decoded. Else None."""
    text = "".join(block)
    if '"' in text:
        return None
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            pyarrow.csv.ReadOptions(column_names=columns),
            pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
    except (UnicodeEncodeError, pa.ArrowInvalid):
        return None
    return table if table.num_rows == len(block) else None


def _csv_part(lines: _Lines, columns: Sequence[str], delimiter: str, end: int) -> Part:
    """The records that begin before the line `end`, read with care."""
    numbers: list[int] = []
    rows: list[Row] = []
    bad: list[BadLine] = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while (number := lines.begin()) < end:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            bad.append(BadLine(number, BROKEN_QUOTES, lines.reject()))
            continue
        if not is_text(row):
            bad.append(BadLine(number, UNDECODABLE, bare("".join(lines.record))))
        elif len(row) == len(columns):
            numbers.append(number)
            rows.append(row)
        elif row:  # an empty line is no row
            bad.append(BadLine(number, WRONG_COLUMN_COUNT, bare("".join(lines.record))))
    return Part(table_of(columns, numbers, rows), tuple(bad))
