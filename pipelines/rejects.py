"""Rows that did not get in: counted by reason, and written down with their line, so that somebody can mend them.

Both imports check into a table `staged`, whose columns `line`, `reason` and `raw` tell of every row.
"""

from pathlib import Path

import duckdb


def rejections(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows of `staged` were rejected for each reason, the most frequent first."""
    query = (
        "SELECT reason, count(*) FROM staged WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason"
    )
    return dict(connection.execute(query).fetchall())


def write_rejects(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """The rejected rows as CSV: line, reason, and the row as it was read. Raises OSError where `file` cannot be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    target = str(file).replace("'", "''")
    query = "SELECT line, reason, raw AS row FROM staged WHERE reason IS NOT NULL ORDER BY line"
    try:
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER)")
    except duckdb.IOException as error:
        raise OSError(f"the rejected rows cannot be written to {file}; name another place for them") from error


def beside(source: Path, shipped: str | None) -> Path:
    """Where rejects go by default: beside the file; for data that a package `shipped`, into the working directory.

    >>> beside(Path("data/orders.csv"), None).as_posix()
    'data/orders.csv.rejects.csv'
    """
    return Path(f"{shipped}.rejects.csv") if shipped else source.with_name(f"{source.name}.rejects.csv")
