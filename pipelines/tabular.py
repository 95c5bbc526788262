"""A table that somebody else made, CSV, JSON Lines or Parquet, in DuckDB: chunk by chunk, with bad lines set aside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipelines.csv_rows import csv_parts
from pipelines.files import File, here
from pipelines.json_rows import json_columns, json_parts
from pipelines.text_rows import LINE, BadLine, open_text

_KINDS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True)
class Chunk:
    """Part of a table. Its rows stand in the view `raw`, their line numbers in `LINE`, until the next chunk is read.

    `total` is the number of rows of the whole file, where that is known beforehand.
    """

    columns: tuple[str, ...]
    rows: int
    bad: tuple[BadLine, ...] = ()
    total: int | None = None


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB database for a while; what does not fit into 1 GB goes to a temporary folder. Its times are in UTC."""
    with TemporaryDirectory(prefix="kairos-") as folder, duckdb.connect() as connection:
        for option, value in {"memory_limit": "1GB", "temp_directory": folder, "TimeZone": "UTC"}.items():
            connection.execute(f"SET {option} = '{value}'")
        yield connection


def read_chunks(
    connection: duckdb.DuckDBPyConnection, file: File, encoding: str = "utf-8", fields: Sequence[str] | None = None
) -> Iterator[Chunk]:
    """The table in `file`, a chunk at a time: text columns, or for Parquet the types of the file.

    The first chunk may be empty. `fields`, when given, are the only keys of JSON objects that become columns. Raises
    FileNotFoundError, and ValueError for a file that is no table at all.
    """
    kind = _KINDS.get(Path(file.name.removesuffix(".gz")).suffix.lower())
    if isinstance(file, Path) and not file.is_file():
        raise FileNotFoundError(f"{file} is not a file; name one file that ends in {', '.join(_KINDS)}")
    if kind is None:
        raise ValueError(f"{file.name} does not tell its format; its name must end in {', '.join(_KINDS)} or .gz of it")
    with here(file) as path:
        if kind == "parquet":
            yield _parquet(connection, path)
        else:
            yield from _text(connection, path, kind, encoding, fields)


def _text(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: str, encoding: str, fields: Sequence[str] | None
) -> Iterator[Chunk]:
    columns: Sequence[str] = ()
    if kind == "jsonl":
        with open_text(path, encoding) as text:
            columns = [name for name in json_columns(text) if fields is None or name in fields]
    with open_text(path, encoding) as text:
        for part in csv_parts(text) if kind == "csv" else json_parts(text, columns):
            connection.register("raw", part.table)
            yield Chunk(tuple(part.table.column_names[1:]), part.table.num_rows, part.bad)


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Chunk:
    quoted = str(path).replace("'", "''")
    select = f"SELECT file_row_number + 1 AS {LINE}, * EXCLUDE (file_row_number)"
    source = f"read_parquet('{quoted}', file_row_number = true)"
    try:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {select} FROM {source}")
        columns = [str(row[0]) for row in connection.execute("DESCRIBE raw").fetchall()]
        ((rows,),) = connection.execute("SELECT count(*) FROM raw").fetchall()
    except duckdb.Error as error:
        raise ValueError(f"{path} cannot be read as Parquet: {error}") from error
    return Chunk(tuple(name for name in columns if name != LINE), rows, total=rows)
