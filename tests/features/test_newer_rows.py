"""Rows written past Feast's SDK are those that it would have written, and of two writers the newer row stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from feast import FeatureStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from features.definitions import RECENT_FEATURES, RECENT_VIEW
from features.newer_rows import client_of, write_newer
from features.online_rows import rows_of
from features.recent import Base, Recent
from features.recent_rows import read_recents, write_recents
from features.store import apply, open_store, read_values
from tests.features.shop import happened
from tests.valkeys import address_of, valkey_server

NAMES = [field.name for field in RECENT_FEATURES]
TYPES = {field.name: field.dtype for field in RECENT_FEATURES}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureStore]:
    with valkey_server() as server:
        store = open_store(tmp_path_factory.mktemp("features"), address_of(server))
        apply(store)
        yield store


@pytest.fixture(autouse=True)
def empty(store: FeatureStore) -> None:
    client_of(store).flushdb()


def row(position: int, since: int | None = 5) -> Recent:
    return Recent(position, Base(2, since), [happened("product_viewed", "ключ's", 3, "ü/🛒")])


@pytest.mark.parametrize("since", [None, 0, 5, -(2**40)])
def test_feast_reads_what_is_written_and_what_feast_writes_is_the_same(
    store: FeatureStore, tmp_path: Path, since: int | None
) -> None:
    rows = {"u1": row(7, since), "anonymous:a": row(2**37, since), "ключ's": row(1, since)}
    write_recents(store, rows)
    assert read_recents(rows_of(store), [*rows, "nobody"]) == rows
    with_feast = open_store(tmp_path, "sqlite")
    apply(with_feast)
    write_recents(with_feast, rows)
    asked = {RECENT_VIEW: NAMES}
    assert read_values(store, list(rows), asked) == read_values(with_feast, list(rows), asked)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(0, 2**45) | st.sampled_from([127, 128, 129, 16_383, 16_384]), min_size=1, max_size=12))
def test_whatever_the_order_the_newest_stays(store: FeatureStore, positions: list[int]) -> None:
    client_of(store).flushdb()
    for position in positions:
        write_recents(store, {"u1": row(position)})
    assert read_recents(rows_of(store), ["u1"])["u1"].position == max(positions)


def test_writers_at_the_same_time_never_put_an_older_row_over_a_newer_one(store: FeatureStore) -> None:
    def write(positions: list[int]) -> None:
        for position in positions:
            write_recents(store, {"u1": row(position)})

    def read() -> list[int]:
        return [read_recents(rows_of(store), ["u1"])["u1"].position for _ in range(100)]

    write([1])
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, list(range(first, 200, 3))) for first in (1, 2, 3)]
        seen = threads.submit(read).result()
        for writer in writers:
            writer.result()
    assert seen == sorted(seen)
    assert read_recents(rows_of(store), ["u1"])["u1"].position == 199


def test_a_row_that_is_refused_keeps_no_other_from_being_written(store: FeatureStore) -> None:
    write_recents(store, {"u2": row(3)})
    (key,) = client_of(store).keys()
    client_of(store).flushdb()
    client_of(store).set(key, "not a hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        write_recents(store, {"u1": row(5), "u2": row(5), "u3": row(5)})
    client_of(store).unlink(key)
    assert read_recents(rows_of(store), ["u1", "u2", "u3"]).keys() == {"u1", "u3"}


def test_other_views_of_the_same_customer_are_left_alone(store: FeatureStore) -> None:
    write_newer(store, "other", TYPES, {"u1": (9, dict.fromkeys(NAMES))})
    write_recents(store, {"u1": row(5)})
    assert read_recents(rows_of(store), ["u1"])["u1"].position == 5
