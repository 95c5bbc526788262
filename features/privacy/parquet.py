"""Tables on disk: the history, the features of customers, who is due. A file that names a person is written anew.

Whoever reads meanwhile has the file of before or the one of after. A file of which nothing is left stays, empty: one
that is gone would stop a reader who has its name already.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.alone import StillAlone, by_the_lock
from features.definitions import CUSTOMER_VIEWS
from features.history import FILES, only_writer
from features.history_part import write_rows
from features.person import Person
from features.privacy.base import Row, customers
from features.restock_table import FOLDER as RESTOCK
from features.results import forget, forget_halves, naming
from features.unreadable import named

_IDS = ("user_id", "anonymous_id")
_JSON = (int, float, list, type(None))
_WAY_OUT = "restore it, make it anew, or delete it with all its rows, and erase again"


class HistoryFiles:
    """The Parquet history: rows of the person go; on a shared device others' stay, without the id of the device.

    Raises RuntimeError while somebody compacts it; see `StillAlone` for the function.
    """

    name = "history"

    def __init__(self, folder: Path, still_alone: StillAlone = by_the_lock) -> None:
        self.folder = folder
        self.still_alone = still_alone

    def held(self, person: Person) -> Iterator[Row]:
        """Every line of every event."""
        for path in self._files():
            if _names(path, _IDS, [*person.user_ids, *person.anonymous_ids]):
                table = pq.read_table(path, partitioning=None)
                yield from _plain(table.filter(_own(table, person)))

    def erase(self, person: Person) -> None:
        """File by file, each as a whole."""
        if not self.folder.exists():
            return

        def left(table: pa.Table) -> pa.Table:
            table = table.filter(pc.invert(_own(table, person)))
            visitors = table["anonymous_id"]
            shared = pc.is_in(visitors, pa.array(person.anonymous_ids, pa.string()))
            blanked = pc.if_else(shared, pa.scalar(None, pa.string()), visitors)
            return table.set_column(table.column_names.index("anonymous_id"), table.field("anonymous_id"), blanked)

        with only_writer(self.folder):
            for part in self.folder.glob("day=*/bucket=*/"):
                forget_halves(part)
            for path in self._files():
                if _names(path, _IDS, [*person.user_ids, *person.anonymous_ids]):
                    _rewrite(path, left, write_rows, self.still_alone)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(FILES))


class CustomerFiles:
    """One kind of table with a row or more a customer, a file a moment."""

    def __init__(self, feature_data: Path, name: str) -> None:
        self.name = name
        self.folder = feature_data / name

    def customers(self) -> set[str]:
        """Everybody who stands in any of them."""
        columns = (pq.read_table(path, columns=["customer_id"])["customer_id"] for path in self._files())
        return {id_ for column in columns for id_ in column.unique().to_pylist()}

    def held(self, person: Person) -> Iterator[Row]:
        """Every row, of every moment."""
        wanted = customers(person)
        for path in self._files():
            if _names(path, ("customer_id",), wanted):
                table = pq.read_table(path)
                found = table.filter(pc.is_in(table["customer_id"], pa.array(wanted, pa.string())))
                yield from ({"table": path.stem, **row} for row in _plain(found))

    def erase(self, person: Person) -> None:
        """File by file, each as a whole; one that nobody needs any more may go meanwhile. What is unfinished goes."""
        gone = customers(person)
        forget(self.folder.parent)
        forget_halves(self.folder)

        def left(table: pa.Table) -> pa.Table:
            return table.filter(pc.invert(pc.is_in(table["customer_id"], pa.array(gone, pa.string()))))

        for path in self._files():
            if _names(path, ("customer_id",), gone):
                _rewrite(path, left, partial(pq.write_table, compression="zstd", coerce_timestamps="us"))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))


def customer_files(feature_data: Path) -> list[CustomerFiles]:
    """Every kind of table of customers there is."""
    return [CustomerFiles(feature_data, name) for name in (*CUSTOMER_VIEWS, RESTOCK)]


def _own(table: pa.Table, person: Person) -> pa.Array:
    user = pc.is_in(table["user_id"], pa.array(person.user_ids, pa.string()))
    visitor = pc.is_in(table["anonymous_id"], pa.array(person.anonymous_ids, pa.string()))
    return pc.or_(user, pc.and_(pc.is_null(table["user_id"]), visitor))


def _names(path: Path, columns: Sequence[str], ids: Sequence[str]) -> bool:
    """Whether any of the ids stands in a file: only the columns of ids are read.

    Raises OSError that names a file where they are damaged: nobody can tell then who stands in it.
    """
    try:
        with named([path], _WAY_OUT):
            table = pq.read_table(path, columns=list(columns), partitioning=None, page_checksum_verification=True)
    except FileNotFoundError:
        return False
    wanted = pa.array(ids, pa.string())
    return any(pc.any(pc.is_in(table[name], wanted)).as_py() for name in columns)


def _rewrite(
    path: Path,
    left: Callable[[pa.Table], pa.Table],
    write: Callable[[pa.Table, Path], None],
    still_alone: StillAlone = by_the_lock,
) -> None:
    """The temporary file has one name, so that who goes on after a kill leaves none behind with rows of others.

    Raises OSError that names a damaged file: written anew, what is damaged would have a good checksum.
    """
    temporary = path.with_suffix(".erasing")
    with named([path], _WAY_OUT):
        rows = left(pq.read_table(path, partitioning=None, page_checksum_verification=True))
    with naming(temporary):
        write(rows, temporary)
    still_alone()
    temporary.replace(path)


def _plain(table: pa.Table) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        yield {name: value if isinstance(value, _JSON) else str(value) for name, value in row.items()}
