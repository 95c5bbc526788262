"""Which of some Parquet files cannot be read, asked once something failed: no library says it of every damage.

A damaged footer is an error of DuckDB that may name the file, a damaged page one of Arrow's readers that does not.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ERRORS = (duckdb.Error, OSError, pa.ArrowException)
"""What reading a file raises, by whatever library."""


@contextmanager
def named(paths: Iterable[Path], way_out: str) -> Iterator[None]:
    """Read `paths` in this block. Raises OSError that names the first which cannot be read, and the `way_out`.

    Of one that is gone, FileNotFoundError that says so: whoever begins again does not ask for it.
    """
    try:
        yield
    except ERRORS as error:
        broken = next((path for path in paths if not _readable(path)), None)
        if broken is None:
            raise
        if not broken.exists():
            gone = f"{broken} is gone, as an erasure or a retention may have taken it; run this again, or {way_out}"
            raise FileNotFoundError(gone) from error
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise OSError(f"{broken} cannot be read ({told}); {way_out}") from error


def _readable(path: Path) -> bool:
    """By both libraries, as neither minds every damage that the other minds; by checksums where pages have them."""
    try:
        pq.read_table(path, partitioning=None, page_checksum_verification=True)
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.read_parquet(str(path)).to_arrow_table()
    except ERRORS:
        return False
    return True
