"""Everybody is forecast as one would be alone, whatever the buckets, and both tables say the same."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.customer_restock import VIEW
from features.database import open_database
from features.history import compact
from features.identity import Identities
from features.log import EVENTS, Log, to_record
from features.purchases import last_day
from features.restock_table import CURVE_DAYS, newest, read
from features.snapshots import newest as newest_features
from features.store import open_store, read_customer
from models.published import CHAMPION
from models.registry import Registry
from pipelines import score as verb
from pipelines import score_part
from pipelines.refresh import build_features, materialize_features
from pipelines.score import Scored, score
from pipelines.settings import Settings
from serving.restock.touched import ScoredCustomers
from tests.serving.restock.world import LAPSED, ONCE, UNTIL, WEEKLY, build_world, lines, order, orders
from tests.serving.world import NOW

AS_OF = UNTIL + timedelta(seconds=1)
"""Right after the latest order."""
EVERYBODY = sorted([*WEEKLY, LAPSED, ONCE])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    build_world(folder)
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    compact(Log(engine, EVENTS), folder / "history", 2)
    engine.dispose()
    return folder


@pytest.fixture
def settings(shop: Path, tmp_path: Path) -> Settings:
    """The shop, with tables of its own."""
    return Settings(
        database_url=f"sqlite:///{shop / 'kairos.db'}",
        mlflow_uri=f"sqlite:///{shop / 'mlflow.db'}",
        mlflow_artifacts=str(shop / "artifacts"),
        history=shop / "history",
        feature_data=tmp_path / "features",
    )


def scored(settings: Settings, as_of: datetime | None = AS_OF, now: datetime = NOW) -> Scored:
    heard: list[tuple[int, int | None]] = []
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    report = score(settings, registry, as_of, now, lambda done, total: heard.append((done, total)))
    assert heard[-1] == (report.customers, report.customers)
    return report


def rows(settings: Settings) -> Iterator[dict[str, Any]]:
    yield from pq.read_table(newest(settings.feature_data)).to_pylist()


def foreseen(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(newest_features(settings.feature_data, VIEW)).to_pylist()
    return found


def test_everybody_is_answered_as_alone(settings: Settings) -> None:
    report = scored(settings)
    table = read(newest(settings.feature_data))
    assert (report.customers, report.forecasts, table.as_of) == (len(EVERYBODY), len(table), AS_OF)
    registry = Registry(settings.mlflow_uri)
    live = registry.alias("replenishment", CHAMPION)
    assert live is not None
    model = registry.load(live).model
    learned, people = lines()
    for code, customer in enumerate(people):
        alone = model.forecast(learned.among(np.arange(len(people)) == code), last_day(AS_OF))
        alone = alone.rows(alone.known)
        place = table.place(customer)
        assert (place is None) == (len(alone) == 0), customer
        if place is not None:
            own = slice(int(table.starts[place]), int(table.starts[place + 1]))
            assert table.columns["unit_id"][own].tolist() == alone.unit_ids.tolist()
            np.testing.assert_allclose(table.columns["curve"][own], alone.curves[:, CURVE_DAYS], atol=1e-6)
            np.testing.assert_allclose(table.columns["next_order"][own][0], alone.trips[code, CURVE_DAYS], atol=1e-6)
    assert table.place(ONCE) is None, "nothing is claimed after a single purchase"


def test_the_number_of_buckets_changes_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(settings)
    whole, features = list(rows(settings)), foreseen(settings)
    for size in (1, 3):
        monkeypatch.setattr(score_part, "CUSTOMERS_A_BUCKET", size)
        scored(settings)
        for one, other in zip(rows(settings), whole, strict=True):
            assert one["customer_id"] == other["customer_id"]
            assert one["unit_id"] == other["unit_id"]
            assert one["curve"] == pytest.approx(other["curve"], abs=1e-6)
        for one, other in zip(foreseen(settings), features, strict=True):
            assert one.keys() == other.keys()
            for name, value in one.items():
                assert value == (pytest.approx(other[name]) if isinstance(value, float) else other[name]), name


@pytest.mark.parametrize("as_of", [AS_OF, min(event.occurred_at for event in orders()) + timedelta(seconds=1)])
def test_shards_change_nothing_be_one_empty(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, as_of: datetime
) -> None:
    scored(settings, as_of)
    whole, features = list(rows(settings)), foreseen(settings)
    monkeypatch.setattr(verb, "size", lambda *_: 2)
    scored(settings, as_of)
    assert list(rows(settings)) == whole
    assert foreseen(settings) == features


def test_called_again_on_the_same_day_it_goes_on_with_the_moment_of_before(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("no space left")

    noon = NOW.replace(hour=12)
    with monkeypatch.context() as patched:
        patched.setattr(verb, "write", fails)
        with pytest.raises(OSError, match="no space left"):
            scored(settings, None, noon)
    with monkeypatch.context() as patched:
        patched.setattr(verb, "score_shard", fails)  # every shard was scored
        report = scored(settings, None, noon + timedelta(minutes=5))
    assert report.as_of == read(newest(settings.feature_data)).as_of == noon
    assert {row["created"] for row in foreseen(settings)} == {noon + timedelta(minutes=5)}
    assert scored(settings, None, noon + timedelta(minutes=6)).as_of == noon + timedelta(minutes=6)


def test_features_say_what_the_forecasts_say(settings: Settings) -> None:
    scored(settings)
    features = {row["customer_id"]: row for row in foreseen(settings)}
    assert sorted(features) == EVERYBODY
    for customer in EVERYBODY:
        own = [row for row in rows(settings) if row["customer_id"] == customer]
        week = CURVE_DAYS.index(7)
        assert features[customer]["groups_due_7d"] == sum(row["curve"][week] <= 0.5 for row in own)
        if own:
            after = 1 - own[0]["next_order"][CURVE_DAYS.index(28)]
            assert features[customer]["repurchase_probability_28d"] == pytest.approx(after, abs=1e-6)
    weekly = features[WEEKLY[3]]
    assert weekly["repurchase_probability_28d"] > features[LAPSED]["repurchase_probability_28d"]
    assert weekly["next_order_days"] is not None
    assert features[LAPSED]["next_order_days"] is None
    assert not features[LAPSED]["is_overdue"], "who has left is not late"
    assert not features[ONCE]["is_overdue"], "who came once has no usual interval"


def test_a_customer_is_overdue_once_the_usual_interval_has_passed(settings: Settings) -> None:
    for passed in (0, 3):
        as_of = AS_OF + timedelta(days=passed)
        scored(settings, as_of, now=as_of)
        found = {row["customer_id"]: row["is_overdue"] for row in foreseen(settings)}
        expected = {customer: number % 7 + passed > 7 for number, customer in enumerate(WEEKLY)}
        assert {customer: found[customer] for customer in WEEKLY} == expected


def test_what_happens_later_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    before = UNTIL - timedelta(days=30)
    scored(settings, before)
    expected = list(rows(settings))
    engine = open_database(f"sqlite:///{tmp_path / 'earlier.db'}")
    log = Log(engine, EVENTS)
    with_later = Log(open_database(settings.database_url), EVENTS)
    log.append([record for record in with_later.read(0, 10_000) if record.occurred_at < before.timestamp() * 1e6])
    compact(log, tmp_path / "earlier", 2)
    earlier = settings.model_copy(update={"history": tmp_path / "earlier", "feature_data": tmp_path / "other"})
    scored(earlier, before)
    assert list(rows(earlier)) == expected


def test_whoever_bought_since_a_past_moment_is_known_not_to_be_as_its_table_says(settings: Settings) -> None:
    before = UNTIL - timedelta(days=3, hours=1)
    scored(settings, before)
    engine = open_database(settings.database_url)
    known = ScoredCustomers(read(newest(settings.feature_data)), Log(engine, EVENTS), Identities(engine))
    people, _ = known.catch_up()
    engine.dispose()
    assert {event.user_id for event in orders() if event.occurred_at >= before} <= people


def test_an_order_of_this_minute_is_in_the_next_table(settings: Settings, tmp_path: Path) -> None:
    scored(settings)
    before = [row for row in rows(settings) if row["customer_id"] == WEEKLY[5]]
    engine = open_database(f"sqlite:///{tmp_path / 'later.db'}")
    log = Log(engine, EVENTS)
    log.append(list(Log(open_database(settings.database_url), EVENTS).read(0, 10_000)))
    log.append([to_record(order(WEEKLY[5], AS_OF, "now", milk_a=1.0))])
    compact(log, tmp_path / "later", 2)
    scored(settings.model_copy(update={"history": tmp_path / "later"}), UNTIL + timedelta(minutes=1))
    after = [row for row in rows(settings) if row["customer_id"] == WEEKLY[5]]
    milk = [next(row for row in found if row["unit_id"].startswith("dairy/milk")) for found in (before, after)]
    assert [row["elapsed"] for row in milk] == [5, 0]
    assert milk[1]["purchases"] == milk[0]["purchases"] + 1


def test_what_was_scored_goes_online_with_the_other_features(settings: Settings) -> None:
    build_features(settings, AS_OF, AS_OF)
    assert materialize_features(settings, lambda _: None).restock_customers == 0
    scored(settings)
    online = materialize_features(settings, lambda _: None)
    assert (online.customers, online.restock_customers, online.restock_as_of) == (len(EVERYBODY), len(EVERYBODY), AS_OF)
    store = open_store(settings.feature_data, settings.online_store)
    row = read_customer(store, WEEKLY[3], ["frequency", "repurchase_probability_28d"], NOW)
    assert row is not None
    expected = {found["customer_id"]: found for found in foreseen(settings)}[WEEKLY[3]]
    assert row.values == {"frequency": 27, "repurchase_probability_28d": expected["repurchase_probability_28d"]}


def test_who_cannot_score_says_why(settings: Settings, tmp_path: Path, empty_mlflow: Path) -> None:
    with pytest.raises(ValueError, match="lies in the future"):
        scored(settings, NOW + timedelta(seconds=1))
    with pytest.raises(ValueError, match="nobody bought anything before"):
        scored(settings, UNTIL - timedelta(days=4_000))
    with pytest.raises(FileNotFoundError, match="pipelines compact"):
        scored(settings.model_copy(update={"history": tmp_path / "none"}))
    (tmp_path / "empty.db").write_bytes(empty_mlflow.read_bytes())
    empty = settings.model_copy(update={"mlflow_uri": f"sqlite:///{tmp_path / 'empty.db'}"})
    with pytest.raises(LookupError, match="pipelines train replenishment"):
        scored(empty)
    assert not (settings.feature_data / "restock").exists()
