"""Rows read as they lie in Feast's store are those that its SDK gives, value for value, on SQLite and on Valkey."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feast import FeatureStore

from features.compute import NOBODY
from features.definitions import CUSTOMER_VIEWS, RECOMMENDER_FEATURES
from features.online_rows import rows_at_hand, rows_of
from features.snapshots import build
from features.store import apply, materialize, open_store, read_customers, read_values
from tests.features.shop import bought, day, happened, history_of
from tests.valkeys import address_of, valkey_server

ASKED = {"customer": [field.name for field in CUSTOMER_VIEWS["customer"]]}
IDS = ["u1", "u2", "anonymous:a", "ключ's", "nobody", "x" * 256]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(
        tmp_path_factory.mktemp("history"),
        [
            *(
                bought("u1", 1 + number / 7, f"o{number}", ("milk", 2, "1.50"), ("ü/🛒", 1, "3.00"))
                for number in range(30)
            ),
            bought("ключ's", 5.000_001, "other", ("milk", 1, "2.00")),
            happened("product_viewed", "?a", 6, "tea"),
            bought("u2", 7, "o-3", "milk"),
            happened("order_cancelled", "u2", 8, order="o-3"),
        ],
    )


@pytest.fixture(scope="module", params=["sqlite", "valkey"])
def store(
    request: pytest.FixtureRequest, history: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FeatureStore]:
    folder = tmp_path_factory.mktemp("features")
    build(history, NOBODY, folder, day(10))
    if request.param == "sqlite":
        yield filled(folder, "sqlite")
        return
    with valkey_server() as server:
        yield filled(folder, address_of(server))


def filled(folder: Path, online: str) -> FeatureStore:
    found = open_store(folder, online)
    apply(found)
    materialize(found)
    return found


def same(mine: Any, its: Any) -> bool:
    """A list that is not known is None in the store, and empty for whoever asks the SDK."""
    if isinstance(its, np.ndarray):
        return len(its) == 0 if mine is None else mine.dtype == its.dtype and np.array_equal(mine, its)
    return bool(mine == its) and type(mine) is type(its)


def test_every_value_is_the_sdks(store: FeatureStore) -> None:
    direct, sdk = rows_of(store).read(IDS, ASKED), read_values(store, IDS, ASKED)
    assert [len(row["customer"]["history_ids"]) for row in sdk][:2] == [60, 0]
    for id_, mine, its in zip(IDS, direct, sdk, strict=True):
        assert mine["customer"].keys() == its["customer"].keys()
        for name, value in its["customer"].items():
            assert same(mine["customer"][name], value), (id_, name)


def test_customers_are_the_same_by_either_way(store: FeatureStore) -> None:
    ids = ["u1", "nobody", "ключ's", "u1"]
    direct = read_customers(store, ids, RECOMMENDER_FEATURES, day(11), online=rows_of(store))
    sdk = read_customers(store, ids, RECOMMENDER_FEATURES, day(11))
    assert [row is None for row in direct] == [row is None for row in sdk] == [False, True, False, False]
    for mine, its in zip(direct, sdk, strict=True):
        if mine is not None and its is not None:
            assert (mine.event_timestamp, mine.created) == (its.event_timestamp, its.created)
            assert mine.values.keys() == its.values.keys()
            assert all(same(mine.values[name], value) for name, value in its.values.items())


def test_who_must_not_wait_is_told_at_once_that_the_file_is_locked(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of a name that means something else in an address."""
    given, connect = list[float](), sqlite3.connect

    def connecting(address: str, patience: float, **more: Any) -> sqlite3.Connection:
        given.append(patience)
        return connect(address, patience, **more)

    build(history, NOBODY, tmp_path / "built", day(10))
    built = filled(tmp_path / "built", "sqlite")
    folder = tmp_path / "50%25 of #1?"
    folder.mkdir()
    store = open_store(folder, "sqlite")
    online = rows_at_hand(store)
    assert online is not None
    with closing(connect(folder / "online.db", isolation_level=None)) as writer:
        with closing(connect(built.config.online_store.path)) as source:
            source.backup(writer)
        writer.execute("PRAGMA journal_mode = DELETE")  # else readers pass by who has locked it
        writer.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("features.selecting.sqlite3.connect", connecting)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            online.read(IDS, ASKED)
        assert given == [0.0], "seconds that it waited"
    assert online.read(["u1"], ASKED)[0]["customer"]["as_of_us"] == day(10).timestamp() * 1_000_000


def test_what_is_written_meanwhile_is_read(
    history: Path, store: FeatureStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing is kept between two reads. Last, as it changes what the others read."""
    folder = Path(store.config.registry.path).parent
    rows = rows_of(store)
    before = rows.read(["u1"], ASKED)[0]["customer"]["as_of_us"]
    build(history, NOBODY, folder, day(12))
    materialize(store)
    after = rows.read(["u1"], ASKED)[0]["customer"]["as_of_us"]
    assert after - before == 2 * 24 * 3_600 * 1_000_000
