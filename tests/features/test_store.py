"""One contract for both online stores, SQLite and a real Valkey, and the joins that training reads."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from feast.repo_config import load_repo_config

from features.compute import NOBODY
from features.customer_restock import keep_restock
from features.definitions import (
    CUSTOMER_FEATURES,
    CUSTOMER_VIEWS,
    RECENT_VIEW,
    RECOMMENDER_FEATURES,
    customer_view,
    product_view,
)
from features.snapshots import build, newest
from features.store import apply, materialize, open_store, read_customer, training_set
from tests.features.shop import bought, day, happened, history_of
from tests.valkeys import address_of, valkey_server

ROOT = Path(__file__).parents[2]
EVERYTHING = tuple(field.name for field in CUSTOMER_FEATURES)


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """The address of a Valkey server that lives as long as this module."""
    with valkey_server() as server:
        yield address_of(server)


@pytest.fixture(params=["sqlite", "valkey"])
def online_store(request: pytest.FixtureRequest) -> str:
    """An empty online store of each kind."""
    if request.param == "sqlite":
        return "sqlite"
    import redis

    address: str = request.getfixturevalue("valkey")
    host, port = address.split(":")
    with redis.Redis(host=host, port=int(port)) as client:
        client.flushall()
    return address


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three customers: one who buys, one who only looked, one whose single order was cancelled."""
    return history_of(
        tmp_path / "history",
        [
            bought("u1", 1, "o1", ("milk", 2, "1.50"), ("ü/🛒", 1, "3.00")),
            bought("u1", 5.000_001, "o2", ("milk", 1, "2.00")),
            happened("product_viewed", "?a", 6, "tea"),
            bought("u2", 7, "o3", "milk"),
            happened("order_cancelled", "u2", 8, order="o3"),
        ],
    )


@pytest.fixture
def store(tmp_path: Path, history: Path, online_store: str) -> FeatureStore:
    """An online store that holds the features of day 10."""
    build(history, NOBODY, tmp_path / "features", day(10))
    store = open_store(tmp_path / "features", online_store)
    apply(store)
    assert materialize(store).customers == 3
    return store


def test_what_was_computed_is_what_is_read(store: FeatureStore, tmp_path: Path) -> None:
    table = pq.read_table(newest(tmp_path / "features", "customer"))
    assert len(table) == 3
    for expected in table.to_pylist():
        row = read_customer(store, expected["customer_id"], EVERYTHING, day(10))
        assert row is not None
        assert (row.event_timestamp, row.created) == (day(10), day(10))
        assert list(row.values) == list(EVERYTHING)
        for name in EVERYTHING:
            found = row.values[name]
            assert (found.tolist() if isinstance(found, np.ndarray) else found) == expected[name], name


def test_lists_are_arrays_also_when_empty(store: FeatureStore) -> None:
    buyer, returner = (read_customer(store, who, RECOMMENDER_FEATURES, day(10)) for who in ("u1", "u2"))
    assert buyer is not None
    assert returner is not None
    assert buyer.values["history_ids"].tolist() == ["milk", "ü/🛒", "milk"]
    for row, length in ((buyer, 3), (returner, 0)):
        kinds = [(row.values[name].dtype, len(row.values[name])) for name in RECOMMENDER_FEATURES[:3]]
        assert kinds == [(np.dtype(object), length), (np.dtype(float), length), (np.dtype(float), length)]
        assert row.values["log_position"] == 5


def test_features_come_by_name_in_any_order(store: FeatureStore) -> None:
    row = read_customer(store, "u1", ["monetary", "frequency"], day(10))
    again = read_customer(store, "u1", ["frequency", "as_of_us", "monetary"], day(10))
    assert row is not None
    assert again is not None
    assert row.values == {"frequency": 2, "monetary": 8.0}
    assert (again.values["frequency"], again.values["monetary"]) == (2, 8.0)


def test_an_unknown_customer_is_none(store: FeatureStore) -> None:
    assert read_customer(store, "nobody", RECOMMENDER_FEATURES, day(10)) is None
    assert read_customer(store, "", RECOMMENDER_FEATURES, day(10)) is None, "the watermark is no customer"


def test_an_unknown_feature_is_refused(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match=r"no customer features \['shoe_size'\]; there are .*'frequency'"):
        read_customer(store, "u1", ["frequency", "shoe_size"], day(10))


FORESEEN = ("repurchase_probability_28d", "is_overdue", "groups_due_7d", "next_order_days")


def foresee(folder: Path, at: float, *customers: str, probability: float = 0.75) -> None:
    """Restock features of some customers as of a day; the last of them is not expected back."""
    many = len(customers)
    keep_restock(
        folder,
        day(at),
        day(at),
        5,
        np.array(customers, object),
        {
            "repurchase_probability_28d": np.full(many, probability),
            "is_overdue": np.arange(many) == 0,
            "groups_due_7d": np.arange(many),
            "next_order_days": np.where(np.arange(many) < many - 1, 6.5, np.nan),
        },
    )


def test_what_is_foreseen_of_a_customer_is_read_beside_what_was_done(store: FeatureStore, tmp_path: Path) -> None:
    foresee(tmp_path / "features", 9, "u1", "u2", "u3")
    assert materialize(store, view="customer_restock").customers == 3
    row = read_customer(store, "u1", ["frequency", *FORESEEN, "history_ids"], day(10))
    assert row is not None
    assert row.values["frequency"] == 2
    assert row.values["history_ids"].tolist() == ["milk", "ü/🛒", "milk"]
    assert [row.values[name] for name in FORESEEN] == [0.75, True, 0, 6.5]
    assert row.event_timestamp == day(9), "the older of the two"
    alone = read_customer(store, "u3", FORESEEN, day(10))
    assert alone is not None
    assert list(alone.values.values()) == [0.75, False, 2, None]
    assert (alone.event_timestamp, alone.created) == (day(9), day(9))


def test_a_view_without_a_row_of_the_customer_has_nothing_to_say(store: FeatureStore, tmp_path: Path) -> None:
    foresee(tmp_path / "features", 6, "newcomer", "u1")
    materialize(store, view="customer_restock")
    asked = ("frequency", "history_ids", "is_overdue")
    found = {who: read_customer(store, who, asked, day(10)) for who in ("u2", "newcomer", "nobody", "")}
    assert found["nobody"] is None
    assert found[""] is None, "the watermark is no customer"
    done, new = found["u2"], found["newcomer"]
    assert done is not None
    assert new is not None
    assert (done.values["frequency"], done.values["is_overdue"], done.event_timestamp) == (0, None, day(10))
    assert (new.values["frequency"], new.values["is_overdue"], new.event_timestamp) == (None, True, day(6))
    assert new.values["history_ids"].tolist() == []
    fresh = read_customer(store, "u1", asked, day(10), max_age=timedelta(days=3))
    assert fresh is not None
    assert (fresh.values["frequency"], fresh.values["is_overdue"], fresh.event_timestamp) == (2, None, day(10))


def test_the_views_of_a_customer_have_a_watermark_each(store: FeatureStore, tmp_path: Path) -> None:
    folder = tmp_path / "features"
    foresee(folder, 6, "u1")
    assert materialize(store, view="customer_restock").as_of == day(6), "older than the other view, and no matter"
    foresee(folder, 8, "u1", probability=0.25)
    assert materialize(store, view="customer_restock").as_of == day(8)
    newest(folder, "customer_restock").unlink()
    with pytest.raises(ValueError, match=r"as of 2026-01-07 .* holds features as of 2026-01-09"):
        materialize(store, view="customer_restock")
    row = read_customer(store, "u1", FORESEEN[:1], day(10))
    assert row is not None
    assert row.values == {"repurchase_probability_28d": 0.25}


def test_what_is_foreseen_joins_as_it_was_then(tmp_path: Path) -> None:
    store = open_store(tmp_path, "sqlite")
    apply(store)
    foresee(tmp_path, 3, "u1", probability=0.25)
    foresee(tmp_path, 5, "u1", probability=0.5)
    rows = pd.DataFrame({"customer_id": ["u1"] * 3, "event_timestamp": pd.to_datetime([day(2), day(4), day(6)])})
    joined = training_set(store, rows, ["customer_restock:repurchase_probability_28d"])
    np.testing.assert_array_equal(joined["repurchase_probability_28d"], [np.nan, 0.25, 0.5])


def test_age_is_checked_by_us(store: FeatureStore) -> None:
    def read(at: float) -> Any:
        return read_customer(store, "u1", ["frequency"], day(at), max_age=timedelta(days=2))

    assert read(12) is not None
    assert read(12 + 1e-6) is None
    assert read_customer(store, "u1", ["frequency"], day(4000)) is not None


def test_newer_replaces_older(store: FeatureStore, history: Path, tmp_path: Path) -> None:
    """Also an instant later: a store that keeps whole seconds must not take the two for one."""
    later = day(10) + timedelta(microseconds=1)
    build(history, NOBODY, tmp_path / "features", later, known_at=day(3))
    assert materialize(store).as_of == later
    row = read_customer(store, "u1", ["frequency"], day(10))
    assert row is not None
    assert (row.values["frequency"], row.event_timestamp) == (1, later)


def test_older_is_refused_and_changes_nothing(store: FeatureStore, history: Path, tmp_path: Path) -> None:
    (newest(tmp_path / "features", "customer")).unlink()
    build(history, NOBODY, tmp_path / "features", day(4))
    with pytest.raises(ValueError, match=r"as of 2026-01-05 .* holds features as of 2026-01-11 .*later as_of"):
        materialize(store)
    row = read_customer(store, "u1", ["frequency"], day(10))
    assert row is not None
    assert (row.values["frequency"], row.event_timestamp) == (2, day(10))


def test_another_table_of_the_same_moment_is_refused(store: FeatureStore, history: Path, tmp_path: Path) -> None:
    build(history, NOBODY, tmp_path / "features", day(10), created=day(11))
    with pytest.raises(ValueError, match="build with a later as_of"):
        materialize(store)


def test_the_same_table_may_be_written_again_after_a_crash(tmp_path: Path, history: Path, online_store: str) -> None:
    build(history, NOBODY, tmp_path / "features", day(10))
    store = open_store(tmp_path / "features", online_store)
    apply(store)

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        materialize(store, killed, rows_per_write=1)
    assert [read_customer(store, who, ["frequency"], day(10)) is None for who in ("anonymous:a", "u1", "u2")] == [
        False, True, True
    ]  # fmt: skip
    heard: list[int] = []
    assert materialize(store, heard.append, rows_per_write=2).customers == sum(heard) == 3
    assert read_customer(store, "u2", ["frequency"], day(10)) is not None


def test_a_service_that_opened_first_finds_what_is_applied_later(
    tmp_path: Path, history: Path, online_store: str
) -> None:
    service = open_store(tmp_path / "features", online_store)
    with pytest.raises(LookupError, match="features materialize"):
        read_customer(service, "u1", ["frequency"], day(10))
    build(history, NOBODY, tmp_path / "features", day(10))
    store = open_store(tmp_path / "features", online_store)
    apply(store)
    materialize(store)
    row = read_customer(service, "u1", ["frequency"], day(10))
    assert row is not None
    assert row.values["frequency"] == 2


def test_applying_twice_keeps_what_is_online(store: FeatureStore) -> None:
    apply(store)
    assert read_customer(store, "u1", ["frequency"], day(10)) is not None


def test_without_tables_the_way_out_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path, "sqlite")
    apply(store)
    with pytest.raises(FileNotFoundError, match="features build"):
        materialize(store)
    build(history_of(tmp_path / "history", [bought("u1", 2, "o1", "milk")]), NOBODY, tmp_path, day(1))
    with pytest.raises(ValueError, match="holds no customers"):
        materialize(store)


def test_without_forecasts_the_way_out_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path, "sqlite")
    apply(store)
    with pytest.raises(FileNotFoundError, match="restock score"):
        materialize(store, view="customer_restock")


def test_another_kind_of_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'dynamodb' is unknown; use `sqlite`, or `host:port`"):
        open_store(tmp_path, "dynamodb")


def test_definitions_name_exactly_what_is_computed(tmp_path: Path, history: Path) -> None:
    build(history, NOBODY, tmp_path, day(10))
    types = {"Bool": pa.bool_(), "Float64": pa.float64(), "Int64": pa.int64(), "String": pa.string()}
    types |= {f"Array({name})": pa.list_(type_) for name, type_ in types.items()}
    foresee(tmp_path, 10, "u1")
    tables = [name for name in CUSTOMER_VIEWS if name != RECENT_VIEW]  # written straight to the online store
    for view in (*(customer_view(tmp_path, name) for name in tables), product_view(tmp_path)):
        schema = pq.read_schema(newest(tmp_path, view.name))
        assert schema.names[1:3] == ["event_timestamp", "created"]
        assert schema.field(1).type == schema.field(2).type == pa.timestamp("us", "UTC")
        assert view.join_keys == [schema.names[0]]
        assert [field.name for field in view.features] == schema.names[3:]
        for field in view.features:
            found = schema.field(field.name).type
            assert (pa.list_(found.value_type) if pa.types.is_list(found) else found) == types[str(field.dtype)]
        assert view.ttl == timedelta(days=view.ttl.days) > timedelta(0), "whole days, or Feast's DuckDB store stops"


def test_point_in_time_joins_withstand_the_traps(tmp_path: Path) -> None:
    """Ties, duplicates, expired rows, the future, a backfill: on which three of Feast's offline stores fail."""
    store = open_store(tmp_path, "sqlite")
    apply(store)
    history = history_of(tmp_path / "history", [bought("u1", at, f"o{at}", "p") for at in range(20)])
    for as_of in (1, 5, 10):
        build(history, NOBODY, tmp_path, day(as_of))
    build(history, NOBODY, tmp_path, day(15), created=day(17))
    build(history, NOBODY, tmp_path, day(15), created=day(16))
    asked: list[tuple[str, float, float | None]] = [
        ("u1", 0.99, None),  # nothing yet
        ("u1", 1, 1),  # at the very moment
        ("u1", 9.99, 5),
        ("u1", 9.99, 5),  # a double of the row before
        ("u1", 10, 10),
        ("u1", 15.5, 10),  # the table of day 15 was made on day 16
        ("u1", 16, 15),  # built again, the table of a moment is replaced
        ("nobody", 16, None),
        ("u1", 105, 15),  # 90 days old
        ("u1", 105 + 1 / 86_400, None),  # and a second more
        ("u1", 1, 1),  # not in order of time
    ]
    moments = pd.to_datetime([day(at) for _, at, _ in asked], utc=True)
    rows = pd.DataFrame({"customer_id": [who for who, _, _ in asked], "event_timestamp": moments, "label": range(11)})
    before = rows.copy()
    joined = training_set(store, rows, ["customer:frequency", "customer:history_ids"])
    assert list(joined.columns) == ["customer_id", "event_timestamp", "label", "frequency", "history_ids"]
    expected = [np.nan if frequency is None else frequency for _, _, frequency in asked]
    np.testing.assert_array_equal(joined["frequency"].to_numpy(float), expected)
    assert joined["label"].tolist() == list(range(11))
    assert joined["history_ids"][1].tolist() == ["p"]
    pd.testing.assert_frame_equal(rows, before)


def test_products_join_too(tmp_path: Path, history: Path) -> None:
    store = open_store(tmp_path, "sqlite")
    apply(store)
    build(history, NOBODY, tmp_path, day(10))
    rows = pd.DataFrame(
        {"customer_id": ["u1", "u2"], "product_id": ["milk", "tea"], "event_timestamp": pd.to_datetime([day(11)] * 2)}
    )
    joined = training_set(store, rows, ["customer:frequency", "product:orders_30d"])
    assert joined[["frequency", "orders_30d"]].to_numpy().tolist() == [[2, 2], [0, 0]]


def test_feasts_own_command_line_sees_the_same_store(tmp_path: Path) -> None:
    theirs = load_repo_config(ROOT / "features", ROOT / "features" / "feature_store.yaml")
    ours = open_store(tmp_path, "sqlite").config
    for found, expected in ((theirs.registry, ours.registry), (theirs.online_store, ours.online_store)):
        settled = (theirs.repo_path / found.path).resolve()
        assert settled == ROOT / "var" / "features" / Path(expected.path).relative_to(tmp_path)
    assert theirs.project == ours.project
    assert (theirs.offline_store.type, theirs.online_store.type) == ("duckdb", "sqlite")
    assert theirs.entity_key_serialization_version == ours.entity_key_serialization_version


def test_nothing_is_left_on_the_screen(tmp_path: Path, history: Path) -> None:
    """Neither by Feast, nor by DuckDB when Python exits: a person reads what the verbs print."""
    build(history, NOBODY, tmp_path, day(10))
    script = f"""
from pathlib import Path
import pandas as pd
from features.store import apply, materialize, open_store, read_customer, training_set
store = open_store(Path({str(tmp_path)!r}), "sqlite")
apply(store)
at = materialize(store).as_of
rows = pd.DataFrame({{"customer_id": ["u1"], "event_timestamp": [pd.Timestamp(at)]}})
print(read_customer(store, "u1", ["frequency"], at).values, len(training_set(store, rows, ["customer:frequency"])))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{'frequency': 2} 1\n", "")
