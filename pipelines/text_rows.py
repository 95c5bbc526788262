"""Text files as tables: decoding, and what a stretch of rows looks like. A line that is no row is set aside.

Python's `csv` and `msgspec` read the rows, not DuckDB's readers, as only these tell the line of every row, decode any
encoding, and get over broken bytes and a quote that never closes.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

CHUNK_ROWS = 50_000
LINE = "__line"

UNDECODABLE = "undecodable bytes"
BROKEN_JSON = "broken JSON"
BROKEN_QUOTES = "broken quotes"
WRONG_COLUMN_COUNT = "wrong column count"

Row = Sequence[str | None]


@dataclass(frozen=True)
class BadLine:
    """A line that is no row: its number from 1 (of its first line, if a quote spans several), why, and its text."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Part:
    """Some rows of a file: a table of texts with their line numbers in `LINE`, and the lines that are no rows."""

    table: pa.Table
    bad: tuple[BadLine, ...] = ()


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The text of `path`, unzipped if it ends in .gz. Undecodable bytes come through as halves of surrogate pairs."""
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"unknown encoding {encoding!r}; known are e.g. utf-8, cp1251, latin-1, utf-16") from None
    codec = "utf-8-sig" if codec == "utf-8" else codec  # Excel writes a byte order mark
    try:
        with (
            gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file,
            io.TextIOWrapper(file, codec, "surrogateescape", newline="") as text,
        ):
            yield text
    except UnicodeError as error:
        raise ValueError(f"{path} is not {encoding}; pass the encoding that it was written in") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file: {error}; copy it again, or unzip what is there") from error


def table_of(columns: Sequence[str], numbers: list[int], rows: list[Row]) -> pa.Table:
    """A table of texts with the line numbers in front."""
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(numbers, pa.int64()), *(pa.array(column, pa.string()) for column in values)]
    return pa.table(arrays, [LINE, *columns])


def bare(text: str) -> str:
    """Without the end of the line, and such that it can be written down."""
    return text.rstrip("\r\n").encode(errors="backslashreplace").decode()


def is_text(row: Row) -> bool:
    """Whether every value was decoded, so that none holds half of a surrogate pair."""
    try:
        "".join(value or "" for value in row).encode()
    except UnicodeEncodeError:
        return False
    return True
