"""The tables of features on disk: one Parquet file an entity and `as_of`, kept so that training can look back.

Feast joins training rows over all of them; the newest customers go online; the service holds the newest products.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features import shard_features
from features.alone import StillAlone, by_the_lock
from features.compute import check_offsets, products_of_moments
from features.history import buckets, generation, position
from features.log import microseconds
from features.not_yet import NothingYet
from features.one_history import check_whole, one_history
from features.results import FOLDER as UNFINISHED
from features.results import begun_at, code, forget_halves, kept, take_back, written
from features.shards import Run, Shards, in_turn, prepare
from features.shards import size as shards_for

_NAME = "%Y%m%dT%H%M%S.%fZ"
_NOBODY_WRITES = timedelta(hours=1)
"""What was not written at for so long was left by who was killed; a piece of a table is there in seconds."""

_MADE_FROM = b"made_from"
_MADE_BY = {"customer_restock": "restock score"}


@dataclass(frozen=True)
class Built:
    """What `build` computed: numbers of rows as of a moment, and the files that hold them."""

    customers: int
    products: int
    files: tuple[Path, ...]
    as_of: datetime


@dataclass(frozen=True)
class ProductFeatures:
    """The features of all products as of one moment, for a process to hold.

    `product_ids` is sorted; each of `columns` has one entry a product, NaN where a feature is not known.
    """

    product_ids: NDArray[np.object_]
    columns: Mapping[str, NDArray[Any]]
    as_of: datetime

    def value(self, product_id: str, name: str) -> float:
        """One feature of one product; NaN for a product that nobody touched yet."""
        place = int(np.searchsorted(self.product_ids, product_id))
        known = place < len(self.product_ids) and self.product_ids[place] == product_id
        return float(self.columns[name][place]) if known else float("nan")

    def only(self, product_ids: Sequence[str]) -> "ProductFeatures":
        """Those of the products among the sorted `product_ids`."""
        wanted = np.array(product_ids, object)
        places = np.searchsorted(self.product_ids, wanted)
        known = places < len(self.product_ids)
        known[known] = self.product_ids[places[known]] == wanted[known]
        columns = {name: column[places[known]] for name, column in self.columns.items()}
        return ProductFeatures(wanted[known], columns, self.as_of)


def build(
    history: Path,
    identities: pa.Table,
    feature_data: Path,
    as_of: datetime | None,
    created: datetime | None = None,
    known_at: datetime | None = None,
    run: Run = in_turn,
    cores: int | None = None,
    count: int | None = None,
    still_alone: StillAlone = by_the_lock,
) -> Built:
    """Compute the features of everybody and everything as of `as_of`, and keep them beside those of other moments.

    See `compute.py` for `created` (default `as_of`) and `known_at`. Without `as_of` it is as of `created`, or of the
    moment of a build that failed on the same day (UTC). The work is done in `count` shards, as many as the size of the
    history asks for unless said otherwise, by `run`, with `cores` threads each; a build that failed is taken up where
    it ended. Building a moment again replaces its tables. Customers are sorted within their shard.

    `still_alone` raises before the tables appear where another process may be at this by now.

    Raises ValueError without either moment, FileNotFoundError without a history, and RuntimeError while another process
    builds features here, and when the history is being made, or is made anew or somebody is erased meanwhile.
    """
    check_offsets(as_of=as_of, known_at=known_at, created=created)
    created = created or as_of
    if created is None:
        raise ValueError("a build is as of a moment; name `as_of`, or `created` for that moment")
    made = generation(history)
    reached, laid = position(history), buckets(history)
    check_whole(history, reached)
    if not reached:
        raise FileNotFoundError(f"no history in {history}; compact the log, and run this again")
    number = count or shards_for(history, as_of or created, reached, laid)
    moments = as_of and microseconds(as_of), known_at and microseconds(known_at)
    of = (made, reached, laid, number, *moments, digest(identities))
    with kept(feature_data / UNFINISHED / "features", history.resolve(), *of, code("features")) as folder:
        moment = as_of or begun_at(folder, created)
        shards = Shards(history.resolve(), moment, known_at, reached, laid, number, made, folder.resolve())
        prepare(shards, identities, run, cores)
        run(partial(shard_features.compute, shards, cores=cores), shards.missing(shard_features.SUMS))
        products = shard_features.products(shards, created)
        customers = shard_features.customers(shards, created)
        still_alone()
        files = (
            keep(products, feature_data / "product", moment),
            keep_all(customers, feature_data / "customer", moment),
        )
        take_back(folder, *files)
    return Built(pq.read_metadata(files[1]).num_rows, len(products), files, moment)


def keep_products(history: Path, identities: pa.Table, folder: Path, moments: Sequence[datetime]) -> tuple[Path, ...]:
    """Product features as of `moments` in `folder`, for training rows: those that are there stay, if still true.

    A table remembers which history, in which state, and which identities it was made from. Those of others are taken
    away, as nobody can tell what has become of them. Returns the files, in the order of `moments`.

    Raises RuntimeError when the history is being made, or is made anew meanwhile; nothing new is kept then.
    """
    made = generation(history)
    state = f"{made} {position(history)} {digest(identities)}".encode()
    paths = {moment: folder / "product" / _file(moment) for moment in moments}
    for path in (folder / "product").glob("*.parquet"):
        if (pq.read_schema(path).metadata or {}).get(_MADE_FROM) != state:
            path.unlink()
    missing = [moment for moment, path in paths.items() if not path.exists()]
    try:
        with one_history(history, made):
            for moment, table in zip(missing, products_of_moments(history, identities, missing), strict=True):
                keep(table.replace_schema_metadata({_MADE_FROM: state}), folder / "product", moment)
    except Exception:
        for moment in missing:
            paths[moment].unlink(missing_ok=True)
        raise
    return tuple(paths.values())


def newest(feature_data: Path, entity: str) -> Path:
    """The table of an entity, or of a view of it, with the latest `as_of`. Raises FileNotFoundError without one."""
    paths = sorted((feature_data / entity).glob("*.parquet"))
    if not paths:
        raise NothingYet(
            f"no {entity} features in {feature_data / entity}; build them with `python -m pipelines "
            f"{_MADE_BY.get(entity, 'features build')}`"
        )
    return paths[-1]


def product_table(feature_data: Path) -> ProductFeatures:
    """The newest product features as arrays. Raises FileNotFoundError when nothing was built."""
    path = newest(feature_data, "product")
    table = pq.read_table(path).drop_columns(["event_timestamp", "created"])
    columns = {
        name: pc.fill_null(column, np.nan).to_numpy() if pa.types.is_floating(column.type) else column.to_numpy()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    as_of = datetime.strptime(path.stem, _NAME).replace(tzinfo=UTC)
    return ProductFeatures(product_ids=columns.pop("product_id"), columns=columns, as_of=as_of)


def keep(table: pa.Table, folder: Path, as_of: datetime) -> Path:
    """Write the table of one moment into `folder`, whole or not at all; that of the same moment is replaced.

    One file a moment and one row a key make (key, timestamp) unique, or Feast's joins would toss a coin.
    """
    return keep_all([table], folder, as_of)


def keep_all(tables: Iterable[pa.Table], folder: Path, as_of: datetime) -> Path:
    """The same of a table that comes in pieces, so that they need not be in memory together; there is one at least.

    What somebody who was killed left of such a table goes.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def write(path: Path) -> None:
        pieces = iter(tables)
        first = next(pieces)
        with pq.ParquetWriter(path, first.schema, compression="zstd", coerce_timestamps="us") as writer:
            for table in chain([first], pieces):
                writer.write_table(table)

    path = written(folder / _file(as_of), write)
    forget_halves(folder, datetime.fromtimestamp(path.stat().st_mtime, UTC) - _NOBODY_WRITES)
    return path


def as_of(path: Path) -> datetime:
    """The moment of a table, which is its name."""
    return datetime.strptime(path.stem, _NAME).replace(tzinfo=UTC)


def _file(as_of: datetime) -> str:
    return f"{as_of.astimezone(UTC).strftime(_NAME)}.parquet"


def digest(table: pa.Table) -> str:
    """A digest of the rows, in whatever order they come."""
    rows = pd.util.hash_pandas_object(table.to_pandas(), index=False).to_numpy(np.uint64)
    return f"{len(rows)}:{int(rows.sum()):x}"
