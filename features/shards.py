"""The history in shards: parts that hold whole persons, so what is computed of customers needs one of them at a time.

A shard is some of the history's buckets. An event lies in the bucket of its own id, but a person may have ids of
several buckets, so a first pass over each shard sorts out the rows of people who are at home elsewhere, and collects
what must be known of orders across shards: which were returned, by whomever, and which were reported under ids of two
persons. How many shards there are changes no answer, only how much is in memory at a time.

The history is thousands of small files, which cost as much to open as to read. So that pass writes what it has read
down in a few large files, its rows with their persons and apart the orders, and whatever is asked later is asked of
those: of codes in the place of ids. One shard alone writes its rows and tells nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features import arrow_file
from features.codes import coded, known_to
from features.compute import Visible, ask, seen
from features.history import parts
from features.history_rows import bucket_of
from features.one_history import check_whole, one_history
from features.person import default_customer
from features.reading import FIRST_REPORT, NOTHING, RETURNED, Means, Told, opened, opened_sorted
from features.results import written
from features.sorting import sorted_out

T = TypeVar("T")

BYTES_A_SHARD = 64 * 1024**2
"""Of Parquet. Builds of 1 and 10 M events in such shards took 1.0 and 1.5 GB at the peak (benchmarks/README.md)."""

_IDENTITY, _TOLD, _REPORTS = "identity", "told", "reports"
_RETURNED, _FIRST, _CONTESTED = "returned.parquet", "first_report.parquet", "contested.parquet"


class Run(Protocol):
    """Applies a function to each of some shards, here or elsewhere, and returns the results in their order."""

    def __call__(self, function: Callable[[int], T], shards: Sequence[int], /) -> list[T]:
        """What `function` returns for each of `shards`."""


def in_turn(function: Callable[[int], T], shards: Sequence[int]) -> list[T]:
    """One after the other."""
    return [function(shard) for shard in shards]


@dataclass(frozen=True)
class Shards:
    """What was known of a `history` of so many `buckets` as of one moment, in `count` shards.

    `position` is how far the log is looked at; `generation` is which history it was before anything was asked of it;
    `folder` has what the shards tell each other.
    """

    history: Path
    as_of: datetime
    known_at: datetime | None
    position: int
    buckets: int
    count: int
    generation: str | None
    folder: Path

    def paths(self, shard: int) -> list[Path]:
        """The files of the history that lie in a shard."""
        return parts(self.history, self.as_of, self.position, range(shard, self.buckets, self.count))

    @contextmanager
    def visible(self, shard: int, cores: int | None = None) -> Iterator[Visible]:
        """What may be known of the persons of a shard, after `prepare`; `cores` is how many threads may read."""
        with self._named(shard):
            moved = [path for other in range(self.count) if (path := self._moved(other, shard)).exists()]
            here = coded([arrow_file.read(path) for path in (self._rows(shard), *moved)])
            told = Told(*(known_to(here.names, pq.read_table(self.folder / name)) for name in (_RETURNED, _FIRST)))
            with opened_sorted(here.rows, told, self._means(cores)) as connection:
                yield seen(connection, self.as_of, self.known_at, self.position, shard, here.names)

    def sort_out(self, shard: int, cores: int | None = None) -> None:
        """Write down what lies in a shard, and for the others: rows of their people, and what its orders tell."""
        identities = pq.read_table(self.path(_IDENTITY, shard))
        with self._named(shard), opened(self.paths(shard), identities, NOTHING, self._means(cores)) as connection:
            found = sorted_out(connection, self._asked(shard))
        written(self._rows(shard), partial(arrow_file.write, found.own))
        if self.count == 1:
            return
        for home, rows in found.moved.items():
            written(self._moved(shard, home), partial(arrow_file.write, rows))
        written(self._orders(shard), partial(arrow_file.write, found.orders))
        with opened_sorted(found.orders, NOTHING, self._means(cores)) as connection:
            told = ask(connection, "told.sql", **self._asked(shard))
        written(self.path(_TOLD, shard), partial(pq.write_table, told))

    def report(self, shard: int, cores: int | None = None) -> None:
        """Write the reports of contested orders that lie in a shard."""
        with opened_sorted(arrow_file.read(self._orders(shard)), NOTHING, self._means(cores)) as connection:
            connection.register("contested", pq.read_table(self.folder / _CONTESTED))
            table = ask(connection, "reports.sql", **self._asked(shard))
        written(self.path(_REPORTS, shard), partial(pq.write_table, table))

    def missing(self, step: str) -> list[int]:
        """The shards of which no result of a step is there."""
        return [shard for shard in range(self.count) if not self.path(step, shard).exists()]

    def path(self, step: str, shard: int) -> Path:
        """Where the result of a step lies."""
        return self.folder / f"{step}-{shard:04d}.parquet"

    @contextmanager
    def _named(self, shard: int) -> Iterator[None]:
        """Note on an error which shard it is of, and which buckets: an engine knows a number alone."""
        try:
            yield
        except Exception as error:
            own = ", ".join(map(str, range(shard, self.buckets, self.count)))
            error.add_note(f"shard {shard} of {self.count}, of the buckets {own}")
            raise

    def _rows(self, shard: int) -> Path:
        return self.folder / f"rows-{shard:04d}.arrow"

    def _moved(self, shard: int, home: int) -> Path:
        return self.folder / f"moved-{shard:04d}-{home:04d}.arrow"

    def _orders(self, shard: int) -> Path:
        return self.folder / f"orders-{shard:04d}.arrow"

    def _means(self, cores: int | None) -> Means:
        return Means(cores, self.folder / "spill")

    def _asked(self, shard: int) -> dict[str, Any]:
        return {"as_of": self.as_of, "known_at": self.known_at, "position": self.position, "shard": shard}


def size(history: Path, as_of: datetime, upto: int, buckets: int) -> int:
    """In how many shards a history of so many `buckets` is read: as few, of equal size, as keep each of them small."""
    wanted = 1 + sum(path.stat().st_size for path in parts(history, as_of, upto)) // BYTES_A_SHARD
    return next((count for count in range(wanted, buckets) if buckets % count == 0), buckets)


def prepare(shards: Shards, identities: pa.Table, run: Run = in_turn, cores: int | None = None) -> None:
    """Let every shard tell the others what they must know; what is there already is not done again.

    The history is not read after this. Raises RuntimeError when it was being made, or was made anew meanwhile.
    """
    if (shards.folder / _FIRST).exists():
        return
    _write_identities(shards, identities)
    with one_history(shards.history, shards.generation):
        check_whole(shards.history, shards.position)
        run(partial(shards.sort_out, cores=cores), shards.missing(_TOLD))  # of one alone no `told` is ever there
    returned, first = RETURNED.empty_table(), FIRST_REPORT.empty_table()
    if shards.count > 1:
        returned, contested = _gathered(shards)
        if len(contested):
            written(shards.folder / _CONTESTED, partial(pq.write_table, contested))
            run(partial(shards.report, cores=cores), shards.missing(_REPORTS))
            first = _first_reports(shards)
    written(shards.folder / _RETURNED, partial(pq.write_table, returned))
    written(shards.folder / _FIRST, partial(pq.write_table, first))


def _write_identities(shards: Shards, identities: pa.Table) -> None:
    """For each shard who is who among the ids that lie there, and where they are at home."""
    if shards.count == 1:
        written(shards.path(_IDENTITY, 0), partial(pq.write_table, identities))
        return
    kinds, ids, customers = (identities[name].to_pylist() for name in ("kind", "id", "customer_id"))
    own = (
        default_customer(*((id_, None) if kind == "user" else (None, id_)))
        for kind, id_ in zip(kinds, ids, strict=True)
    )
    lies = np.fromiter((bucket_of(id_, shards.buckets) % shards.count for id_ in own), np.int32, len(ids))
    # who is nobody's customer is nowhere at home, and left out where the id lies
    home = [bucket_of(id_, shards.buckets) % shards.count if id_ else None for id_ in customers]
    known = identities.append_column("home", pa.array(home, pa.int32()))
    for shard in range(shards.count):
        written(shards.path(_IDENTITY, shard), partial(pq.write_table, known.filter(pa.array(lies == shard))))


def _gathered(shards: Shards) -> tuple[pa.Table, pa.Table]:
    """What was returned, and the hashes of orders that were reported under ids of people of several shards."""
    with duckdb.connect() as connection:
        connection.read_parquet([str(shards.path(_TOLD, shard)) for shard in range(shards.count)]).create_view("told")
        returned = connection.sql(
            "SELECT DISTINCT order_id, product_id FROM told WHERE NOT reported AND order_id IS NOT NULL"
        )
        contested = connection.sql(
            "SELECT order_hash FROM told WHERE reported GROUP BY order_hash HAVING min(home) <> max(home)"
        )
        return returned.to_arrow_table().cast(RETURNED), contested.to_arrow_table()


def _first_reports(shards: Shards) -> pa.Table:
    with duckdb.connect() as connection:
        paths = [str(shards.path(_REPORTS, shard)) for shard in range(shards.count)]
        connection.read_parquet(paths).create_view("report")
        first = connection.sql(
            "SELECT order_id, product_id, arg_min(position, (occurred_at, position)) AS position "
            "FROM report GROUP BY order_id, product_id"
        )
        return first.to_arrow_table().cast(FIRST_REPORT)
