"""Point-in-time joins by customer bucket: what outgrows the memory of one join is many small ones of the same result.

A join is by key, so rows and tables that are parted by the bucket of their key part it exactly. Each bucket gets a
folder that is a feature folder of its own, `bucket=03/customer/…`, and Feast joins in it as it does in the whole one.
Every function here is pure in its files and writes whole files or none, so any of them may be run again, anywhere.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.history_rows import bucket_of
from features.results import written
from features.store import apply, open_store, training_set
from features.unreadable import named

KEY = "customer_id"
ROW = "row"
"""The place of a row among all that were asked, by which `gathered` puts them in order again."""

_ROWS, _JOINED, _PRODUCTS, _NEEDED = "rows.parquet", "joined.parquet", "product", "needed"
_PART_AGAIN = "part the rows and the tables again"


def bucket_folder(folder: Path, bucket: int) -> Path:
    """Where a bucket's rows, tables and result are."""
    return folder / f"bucket={bucket:02d}"


def split_rows(rows: pa.Table, folder: Path, buckets: int) -> None:
    """Part `rows` (`customer_id`, `event_timestamp`, whatever else) into `buckets` folders, numbered as they come."""
    numbered = rows.append_column(ROW, pa.array(np.arange(len(rows))))
    for bucket, part in enumerate(_parted(numbered, buckets)):
        _write(part, bucket_folder(folder, bucket) / _ROWS)


def split_table(path: Path, folder: Path, buckets: int) -> None:
    """Part one table of customers' features, by its file and the folder of its view; empty parts are written as well.

    A bucket's join needs a table to find nothing in. Pure in `path`: tables may be parted side by side.
    """
    with named([path], "build those features again"):
        table = pq.read_table(path)
    for bucket, part in enumerate(_parted(table, buckets)):
        _write(part, bucket_folder(folder, bucket) / path.parent.name / path.name)


def lend_products(feature_data: Path, folder: Path, buckets: int) -> None:
    """Let every bucket see the tables of products, which are few beside those of customers and belong to no bucket."""
    for bucket in range(buckets):
        link = bucket_folder(folder, bucket) / _PRODUCTS
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to((feature_data / _PRODUCTS).resolve(), target_is_directory=True)


def join_bucket(folder: Path, bucket: int, buckets: int, features: Sequence[str]) -> Path:
    """Join one bucket's rows with its `features` (as `customer:frequency`), known then; returns the file it wrote.

    As `training_set`, row for row. Raises ValueError for a row of another bucket, which would silently get nulls,
    RuntimeError when as many rows do not come out as went in, and OSError for a file that cannot be read; all name the
    bucket and the file.
    """
    own = bucket_folder(folder, bucket)
    asked, joined = own / _ROWS, own / _JOINED
    with named([asked], _PART_AGAIN):
        rows = pq.read_table(asked)
    astray = np.flatnonzero(_buckets_of(rows[KEY], buckets) != bucket)
    if len(astray):
        raise ValueError(
            f"bucket {bucket} of {buckets}: row {int(astray[0])} of {asked} is of customer "
            f"{rows[KEY][int(astray[0])].as_py()!r}, who belongs to another one; part rows and tables by one number"
        )
    if not len(rows):
        _write(rows, joined)
        return joined
    needed = own / _NEEDED
    for view in {name.partition(":")[0] for name in features} - {_PRODUCTS}:
        _write(_needed(own / view, rows), needed / view / "needed.parquet")
    if (own / _PRODUCTS).exists() and not (needed / _PRODUCTS).is_symlink():
        (needed / _PRODUCTS).symlink_to((own / _PRODUCTS).resolve(), target_is_directory=True)
    store = open_store(needed, "sqlite")
    apply(store)
    try:
        with named(sorted((own / _PRODUCTS).glob("*.parquet")), "build those features again"):
            found = training_set(store, rows.to_pandas(), features)
    except RuntimeError as error:
        raise RuntimeError(f"bucket {bucket} of {buckets}, rows of {asked}: {error}") from error
    _write(pa.Table.from_pandas(found, preserve_index=False), joined)
    shutil.rmtree(needed)
    return joined


def gathered(folder: Path, buckets: int) -> pa.Table:
    """All buckets' results in the order of the rows that were parted. Raises RuntimeError when any of them is missing.

    For what fits into memory; a larger set is read by bucket.
    """
    paths = [bucket_folder(folder, bucket) / _JOINED for bucket in range(buckets)]
    if missing := [str(path) for path in paths if not path.exists()]:
        raise RuntimeError(f"{len(missing)} of {buckets} buckets are not joined yet, the first {missing[0]}; join them")
    with named(paths, "join that bucket again"):
        tables = [table for table in map(pq.read_table, paths) if len(table)] or [pq.read_table(paths[0])]
    whole = pa.concat_tables(tables, promote_options="permissive").sort_by(ROW)
    if not np.array_equal(whole[ROW].to_numpy(), np.arange(len(whole))):
        raise RuntimeError(f"the buckets in {folder} were joined from different rows; part the rows and join all again")
    return whole.drop_columns([ROW])


def _needed(folder: Path, rows: pa.Table) -> pa.Table:
    """Of a view's tables, the rows that any of `rows` can get: for each, the latest that had been made by then.

    Feast compares every row with all rows of its key within the time to live and sorts them; so it gets those only
    between which nothing is left to choose but what it knows best: ties, ages, and who is there at all. A row counts
    from when it is of (`event_timestamp`) and made; never one that a later moment, made sooner, had overtaken by then.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no tables in {folder}; part those of {folder.name} with `split_table`")
    with named(files, _PART_AGAIN):
        tables = pa.concat_tables([pq.read_table(path, read_dictionary=[KEY]) for path in files]).unify_dictionaries()
    entries = tables[KEY].combine_chunks()
    keys = entries.indices.to_numpy().astype(np.int64)
    of, made = (_microseconds(tables[name]) for name in ("event_timestamp", "created"))
    since = np.maximum(of, made)
    latest = np.lexsort((made, of, keys))
    order = latest[np.lexsort((since[latest], keys[latest]))]
    place = np.empty(len(order), np.int64)
    place[latest] = np.arange(len(order))
    # Keys come in the same order in both, so the running maximum never reaches over from one into the next.
    order = order[place[order] == np.maximum.accumulate(place[order])]
    moments = np.unique(since[order])
    asked = (
        pc.index_in(rows[KEY], value_set=entries.dictionary).combine_chunks().fill_null(-1).to_numpy().astype(np.int64)
    )
    then = np.searchsorted(moments, _microseconds(rows["event_timestamp"]), side="right")
    cells = keys[order] * (len(moments) + 1) + np.searchsorted(moments, since[order]) + 1
    found = np.searchsorted(cells, asked * (len(moments) + 1) + then, side="right") - 1
    found = found[(found >= 0) & (asked >= 0)]
    needed = tables.take(pa.array(np.unique(order[found])))
    return needed.set_column(needed.column_names.index(KEY), KEY, needed[KEY].cast(pa.string()))


def _microseconds(moments: pa.ChunkedArray) -> NDArray[np.int64]:
    """Since 1970."""
    return np.asarray(moments.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy())


def _parted(table: pa.Table, buckets: int) -> list[pa.Table]:
    """`table` by bucket; rows keep their order within one."""
    own = _buckets_of(table[KEY], buckets)
    ordered = table.take(pa.array(np.argsort(own, kind="stable")))
    ends = np.cumsum(np.bincount(own, minlength=buckets))
    return [ordered.slice(end - count, count) for end, count in zip(ends, np.diff(ends, prepend=0), strict=True)]


def _buckets_of(ids: pa.ChunkedArray, buckets: int) -> NDArray[np.int64]:
    """The bucket of each id, hashed once a customer."""
    if not len(ids):
        return np.empty(0, np.int64)
    if ids.null_count:
        place = pc.index(pc.is_null(ids), True).as_py()
        raise ValueError(f"row {place} has no {KEY}; drop rows of nobody before they are joined")
    entries = ids.combine_chunks().dictionary_encode()
    known = np.array([bucket_of(id_, buckets) for id_ in entries.dictionary.to_pylist()], np.int64)
    return np.asarray(known[entries.indices.to_numpy()])


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written(path, partial(pq.write_table, table, compression="lz4", coerce_timestamps="us"))
