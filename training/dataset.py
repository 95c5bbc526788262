"""From the history to what a recommender is fitted on and judged by, through the same feature code that serves it."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.in_shards import in_shards
from features.not_yet import TooLittleYet
from models.arrays import Codes, Floats, Ids, codes_of
from models.recommenders.base import Interactions, Query, days
from training.assortment import Assortment
from training.reading import Learned, part, put_together, read
from training.splits import Fold


@dataclass(frozen=True)
class Holdout:
    """What was to be foreseen: one entry a customer who had a history at `split` and bought a known product after it.

    `targets` are the codes of the distinct products bought after the split, `seen` of those that the customer had any
    interaction with before it; both over `item_ids`, which are all products seen before the split. `popularity` is how
    often each of these was interacted with, `orders` how many orders each customer had before the split, where known.
    """

    split: float
    customer_ids: Ids
    queries: tuple[Query, ...]
    item_ids: Ids
    targets: tuple[Codes, ...]
    seen: tuple[Codes, ...]
    popularity: Floats
    orders: Codes | None = None


@dataclass(frozen=True)
class Exam:
    """One fold, ready: what to learn from and what to be judged by."""

    train: Interactions
    holdout: Holdout


def exam(
    history: Path,
    identities: pa.Table,
    fold: Fold,
    assortment: Assortment | None = None,
    work: Path | None = None,
    learned_days: int | None = None,
) -> Exam:
    """The exam of one fold; with an `assortment`, models may also learn from what was known about products by then.

    What is large on the way lies below `work`: see `features.in_shards`. With `learned_days` only as many days before
    the split are learned from; what is asked stays the same. Raises ValueError when there is nothing to learn from or
    nothing to foresee: TooLittleYet in a shop that is new or never sold anything, as time alone mends that.
    """
    after = read(history, identities, fold.until, since=fold.split, work=work)
    parts, customers = [], []
    for seen in in_shards(history, identities, fold.split, work=work):
        parts.append(part(seen.coded_interactions()))
        found = seen.customers()
        customers.append(found.filter(pc.is_in(found["customer_id"], pa.array(after.customer_ids, pa.string()))))
    before = put_together(parts, days(fold.split))
    holdout = to_holdout(before, after, pa.concat_tables(customers).sort_by("customer_id"))
    if not holdout.queries:
        found = (
            f"nobody with a history before {fold.split:%Y-%m-%d %H:%M} bought a known product until "
            f"{fold.until:%Y-%m-%d %H:%M}"
        )
        ways = "import a longer history, or train on what was before a quiet time (--until)"
        if _is_new(before.data, days(fold.until) - days(fold.split)):
            raise TooLittleYet(f"{found}; {ways}")
        raise ValueError(f"{found}, though there were orders before; see whether orders still come in, {ways}")
    train = before.data if learned_days is None else latest(before.data, learned_days)
    if assortment is not None:
        train = with_catalogues(train, history, identities, assortment, fold.split)
    return Exam(train, holdout)


def _is_new(data: Interactions, window: float) -> bool:
    """Whether a shop has no `window` days of history before the split, or no order in them: time alone mends that.

    Orders that there were and that come no more are a fault which a schedule must not pass over for ever.
    """
    short = data.until - float(data.days.min(initial=data.until)) < window
    return short or data.orders is None or not (data.orders >= 0).any()


def latest(data: Interactions, count: int) -> Interactions:
    """What happened in the last `count` days before the end of `data`; who and what there is, and their codes, stay.

    Raises ValueError when that is nothing.
    """
    rows = data.days >= data.until - count
    if not rows.any():
        raise ValueError(f"nothing happened in the last {count} days that are learned from; take more (--days)")
    return replace(
        data,
        customers=data.customers[rows],
        items=data.items[rows],
        days=data.days[rows],
        weights=data.weights[rows],
        orders=None if data.orders is None else data.orders[rows],
    )


def with_catalogues(
    data: Interactions, history: Path, identities: pa.Table, assortment: Assortment, until: datetime
) -> Interactions:
    """`data`, which ends at `until`, with its products as the shop knew them then and at earlier moments."""
    *past, now = assortment.catalogues(history, identities, data.item_ids, assortment.moments(until))
    return replace(data, catalogue=now, past=tuple(past))


def to_queries(customers: pa.Table, day: float) -> tuple[Query, ...]:
    """One query a row of `features.compute.customer_features`, asked on `day`."""
    history = customers["history_ids"].combine_chunks()
    bounds = _offsets(history)
    ids = history.flatten().to_numpy(zero_copy_only=False).astype(object)
    moments = customers["history_days"].combine_chunks().flatten().to_numpy()
    weights = customers["history_weights"].combine_chunks().flatten().to_numpy()
    spans = [slice(start, end) for start, end in pairwise(bounds.tolist())]
    return tuple(Query(day, ids[span], moments[span], weights[span]) for span in spans)


def to_holdout(before: Learned, after: Learned, customers: pa.Table) -> Holdout:
    """What customers bought `after` of the products that were known `before`.

    Asked are those of `customers`, rows of `features.compute.customer_features` as of the split sorted by id, who did.
    """
    train, customer_ids = before.data, customers["customer_id"].to_numpy(zero_copy_only=False)
    targets = _products_of(after, customer_ids, train.item_ids, bought=True)
    seen = _products_of(before, customer_ids, train.item_ids)
    queries = to_queries(customers, train.until)
    kept = [row for row, query in enumerate(queries) if len(query.history_ids) and len(targets[row])]
    return Holdout(
        split=train.until,
        customer_ids=customer_ids[kept],
        queries=tuple(queries[row] for row in kept),
        item_ids=train.item_ids,
        targets=tuple(targets[row] for row in kept),
        seen=tuple(seen[row] for row in kept),
        popularity=np.bincount(train.items, minlength=len(train.item_ids)).astype(np.float64),
        orders=customers["frequency"].to_numpy()[kept].astype(np.int32),
    )


def digest(data: Interactions) -> str:
    """A hash of everything in `data`, so that two runs can be told apart or seen to be of the same data."""
    hashed = hashlib.sha256("\n".join(data.item_ids).encode())
    for array in (data.customers, data.items, data.days, data.weights, np.array(data.until)):
        hashed.update(np.ascontiguousarray(array).tobytes())
    if data.orders is not None:
        hashed.update(data.orders.tobytes())
    for catalogue in (*data.past, data.catalogue):
        for name, text in sorted(catalogue.texts.items()):
            hashed.update(f"{name}:{text.tolist()}".encode())
        for name, number in sorted(catalogue.numbers.items()):
            hashed.update(name.encode() + number.tobytes())
    return hashed.hexdigest()[:16]


def _products_of(learned: Learned, customer_ids: Ids, item_ids: Ids, bought: bool = False) -> list[Codes]:
    """For each of the sorted `customer_ids`, the sorted codes of their products that are in `item_ids`."""
    data = learned.data
    rows = codes_of(learned.customer_ids, customer_ids)[data.customers]
    columns = codes_of(data.item_ids, item_ids)[data.items]
    kept = (rows >= 0) & (columns >= 0)
    if bought and data.orders is not None:
        kept &= data.orders >= 0
    cells = np.unique(rows[kept].astype(np.int64) * max(len(item_ids), 1) + columns[kept])
    rows, columns = np.divmod(cells, max(len(item_ids), 1))
    bounds = np.searchsorted(rows, np.arange(len(customer_ids) + 1))
    return [columns[start:end].astype(np.int32) for start, end in pairwise(bounds.tolist())]


def _offsets(lists: pa.ListArray) -> NDArray[np.int64]:
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
