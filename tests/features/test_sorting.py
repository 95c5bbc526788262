"""Rows go to the shard in which their person is at home, each shard's in the order in which they were read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import sorting
from features.codes import IDS, dictionary_of
from features.history_rows import SCHEMA
from features.reading import _TYPES, NOTHING, ORDER_CODES, Means, opened
from features.sorting import SortedOut, sorted_out
from tests.features.shop import day

SHARD, SHARDS = 1, 4
OWN = ["position", "line", "code", "occurred_at", "product_id", "quantity", "price", "order_id", "customer_id", "home"]

Owners = Mapping[tuple[str, str], tuple[str, int | None]]
"""The customer of an id, "" for who is nobody's, and the shard in which that person is at home."""

ids = st.sampled_from(["a", "b", "ä", "日"])
happened = st.tuples(
    st.none() | ids,
    st.none() | ids,
    st.sampled_from(["product_viewed", "order_completed", "order_refunded", "of no known type"]),
    st.none() | st.sampled_from(["milk", "tea"]),
    st.none() | st.sampled_from(["o1", "o2"]),
)
owned = st.tuples(ids, st.integers(0, SHARDS - 1)) | st.just(("", None))
owners = st.dictionaries(st.tuples(st.sampled_from(["user", "anonymous"]), ids), owned)


def found(told: Sequence[tuple[Any, ...]], known: Owners) -> SortedOut:
    """What `sorted_out` makes of a file with a row for each of `told`, the last of them too late to be known."""
    columns = zip(*told, strict=True) if told else ([] for _ in range(5))
    users, devices, types, products, orders = columns
    of_event = {
        "position": np.arange(len(told)) + 1,
        "line": np.zeros(len(told), np.int32),
        "occurred_at": [day(1)] * max(len(told) - 1, 0) + [day(9)] * bool(told),
        "received_at": [day(1)] * len(told),
        "quantity": [1.0] * len(told),
        "price": [None] * len(told),
        "currency": [None] * len(told),
    }
    texts = {"user_id": users, "anonymous_id": devices, "type": types, "product_id": products, "order_id": orders}
    named = {name: pa.array({**of_event, **texts}[name], SCHEMA.field(name).type) for name in SCHEMA.names}
    identities = pa.table(
        {
            "kind": pa.array([kind for kind, _ in known], pa.string()),
            "id": pa.array([id_ for _, id_ in known], pa.string()),
            "customer_id": pa.array([customer for customer, _ in known.values()], pa.string()),
            "home": pa.array([home for _, home in known.values()], pa.int32()),
        }
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        pq.write_table(pa.table(named, SCHEMA), path)
        with opened([path], identities, NOTHING, Means(1)) as connection:
            asked = {"as_of": day(5), "known_at": None, "position": len(told), "shard": SHARD}
            return sorted_out(connection, asked)


def expected(told: Sequence[tuple[Any, ...]], known: Owners) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    """Row for row what is known of somebody's or of nobody at all, and the order by home, as numpy sorts."""
    rows = []
    for place, (user, device, kind, product, order) in enumerate(told[:-1]):
        key, own = (("user", user), user) if user is not None else (("anonymous", device), f"anonymous:{device}")
        customer, home = (None, SHARD) if user is None and device is None else known.get(key, (own, SHARD))
        if customer == "":
            continue
        code = _TYPES.index(kind if kind in _TYPES else "other")
        values = (place + 1, 0, code, day(1), product, 1.0, None, order, customer, home)
        rows.append(dict(zip(OWN, values, strict=True)))
    homes = np.array([row["home"] for row in rows], int)
    return rows, np.lexsort((np.arange(len(rows)), homes))


def same(told: Sequence[tuple[Any, ...]], known: Owners) -> SortedOut:
    """Compare what is found with what is expected."""
    out = found(told, known)
    rows, order = expected(told, known)
    by_home: dict[int, list[dict[str, Any]]] = {}
    for place in order:
        by_home.setdefault(rows[place]["home"], []).append(rows[place])
    assert out.own.select(OWN).to_pylist() == by_home.pop(SHARD, [])
    assert {home: table.select(OWN).to_pylist() for home, table in out.moved.items()} == by_home
    orders = [row for row in rows if row["code"] in ORDER_CODES]
    assert out.orders.to_pylist() == [{k: v for k, v in row.items() if k != "customer_id"} for row in orders]
    for table in out.moved.values():
        for name in IDS:
            assert set(dictionary_of(table[name]).to_pylist()) == set(table[name].to_pylist()) - {None}
    return out


@settings(max_examples=40)
@given(st.lists(happened, max_size=20), owners)
def test_rows_lie_as_numpy_sorts_them_by_home(told: list[tuple[Any, ...]], known: Owners) -> None:
    same(told, known)


def test_rows_of_many_batches_share_their_dictionaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_ROWS_A_BATCH", 2_048)
    draw = np.random.default_rng(7)
    told = [
        (f"u{draw.integers(300)}", None, "product_viewed", f"p{draw.integers(1_000)}", None) for _ in range(5 * 2_048)
    ]
    known = {("user", f"u{one}"): (f"c{one % 90}", one % SHARDS) for one in range(300)}
    out = same(told, known)
    assert out.own["product_id"].num_chunks > 1, "so that there are several to share"
    assert set(out.moved) == set(range(SHARDS)) - {SHARD}
