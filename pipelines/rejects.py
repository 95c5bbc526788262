"""Rows that did not get in: counted by reason, and written down with their line, so that somebody can mend them.

Both imports check into a table `staged`, whose columns `line`, `reason` and `raw` tell of every row.
"""

from pathlib import Path

import duckdb

from pipelines.files import File, Url, delivered


def rejections(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows of `staged` were rejected for each reason, the most frequent first."""
    query = (
        "SELECT reason, count(*) FROM staged WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason"
    )
    return dict(connection.execute(query).fetchall())


def write_rejects(connection: duckdb.DuckDBPyConnection, file: File) -> None:
    """The rejected rows as CSV: line, reason, and the row as it was read. Raises OSError where `file` cannot be."""
    query = "SELECT line, reason, raw AS row FROM staged WHERE reason IS NOT NULL ORDER BY line"

    def write(path: Path) -> None:
        target = str(path).replace("'", "''")
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER)")

    if isinstance(file, Path):
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        delivered(file, write)
    except (duckdb.IOException, OSError) as error:
        told = f"the rejected rows cannot be written to {file}; name another place for them with --rejects: {error}"
        raise OSError(told) from error


def beside(source: File, shipped: str | None) -> File:
    """Where rejects go by default: beside the file, also in an object store; into the working directory for data that a
    package `shipped` or a web server gave.

    >>> beside(Path("data/orders.csv"), None).as_posix()
    'data/orders.csv.rejects.csv'
    """
    if shipped or (isinstance(source, Url) and not source.writable):
        return Path(f"{shipped or source.name}.rejects.csv")
    return source.with_name(f"{source.name}.rejects.csv")
