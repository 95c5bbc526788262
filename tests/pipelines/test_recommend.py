"""The file of recommendations says to every customer what the service would say, and appears when it is complete."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from features.database import open_database
from features.events import Body, Event
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, to_record
from features.person import Person
from features.privacy.personal import PURPOSE
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from pipelines.recommend import RecommendReport, recommend
from pipelines.settings import Settings
from tests.serving.restock.world import publish
from tests.serving.world import CUSTOMERS, DRINKER, NOW, copy_world, running
from tests.waiting import until


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    return copy_world(world, tmp_path / "shop")


def settings(folder: Path, **changes: Any) -> Settings:
    places: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'kairos.db'}",
        "mlflow_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "mlflow_artifacts": str(folder / "artifacts"),
        "feature_data": folder / "features",
        "privacy_key": folder / "privacy.key",
    }
    return Settings(**places | changes)


def run(
    folder: Path, out: Path, placement: str = "email", log: bool = False, now: datetime = NOW, **changes: Any
) -> RecommendReport:
    heard: list[tuple[int, int | None]] = []
    report = recommend(
        settings(folder, **changes), placement, out, 3, "en", now, log, lambda done, total: heard.append((done, total))
    )
    assert heard[-1] == (CUSTOMERS, CUSTOMERS)
    return report


def shown(folder: Path) -> Iterator[tuple[str, str | None, str | None]]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    for record in Log(engine, DECISIONS).read():
        yield record.key, record.user_id, record.anonymous_id
    engine.dispose()


@pytest.mark.parametrize("placement", ["email", "buy_again"])
def test_the_file_says_what_the_service_says(folder: Path, tmp_path: Path, placement: str) -> None:
    report = run(folder, tmp_path / "out.parquet", placement)
    table = pq.read_table(report.file)
    assert (report.customers, report.recommendations, report.logged) == (CUSTOMERS, len(table), False)
    assert len(set(table["customer_id"].to_pylist())) == CUSTOMERS
    assert report.customers_per_cpu_second > 0
    lines = [line for line in table.to_pylist() if line["customer_id"] == DRINKER]
    with running(folder) as shop:
        answer = shop.recommend(subject={"user_id": DRINKER}, placement=placement, limit=3)
    assert [(line["rank"], line["item_id"], line["score"], line["source"]) for line in lines] == [
        (item["rank"], item["item_id"], item["score"], item["source"]) for item in answer["items"]
    ]
    assert [(line["reason"], line["reason_text"]) for line in lines] == [
        (item["reasons"][0]["code"], item["reasons"][0]["text"]) for item in answer["items"]
    ]
    assert not [key for key, *_ in shown(folder) if key != answer["recommendation_id"]]


def test_what_to_buy_again_follows_the_live_replenishment_model_as_in_the_service(folder: Path, tmp_path: Path) -> None:
    publish(folder)
    table = pq.read_table(run(folder, tmp_path / "out.parquet", "buy_again").file)
    lines = [line for line in table.to_pylist() if line["customer_id"] == DRINKER]
    assert {line["source"] for line in lines} == {"due_again"}
    with running(folder) as shop:
        until(lambda: shop.resources.restock.live() is not None, "replenishment is live")
        answer = shop.recommend(subject={"user_id": DRINKER}, placement="buy_again", limit=3)
    assert [(line["item_id"], line["score"], line["source"]) for line in lines] == [
        (item["item_id"], item["score"], item["source"]) for item in answer["items"]
    ]


def test_both_kinds_of_file_hold_the_same(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out.parquet")
    run(folder, tmp_path / "out.csv")
    tables = pq.read_table(tmp_path / "out.parquet"), pyarrow.csv.read_csv(tmp_path / "out.csv")
    columns = ["customer_id", "rank", "item_id", "score", "source", "reason_text"]
    one, other = (table.select(columns).to_pylist() for table in tables)
    assert one == other
    assert sorted(path.name for path in tmp_path.glob("out.*")) == ["out.csv", "out.parquet"]


def test_what_is_logged_counts_as_shown_to_its_customer(folder: Path, tmp_path: Path) -> None:
    rules = folder / "placements.toml"
    rules.write_text("[email.rules]\nrotation = { rate = 0.99, hours = 24 }\ndiversity = 0.0")
    first = pq.read_table(run(folder, tmp_path / "1.parquet", log=True, placements=rules).file).to_pylist()
    assert {(line["recommendation_id"], line["customer_id"]) for line in first} == {
        (key, user) for key, user, _ in shown(folder)
    }
    later = NOW + timedelta(minutes=1)
    second = pq.read_table(run(folder, tmp_path / "2.parquet", now=later, placements=rules).file).to_pylist()
    for customer in {line["customer_id"] for line in first}:
        before, after = (
            {line["item_id"] for line in lines if line["customer_id"] == customer} for lines in (first, second)
        )
        assert len(before & after) <= 1, customer


def test_anonymous_visitors_are_logged_as_such(folder: Path, tmp_path: Path) -> None:
    with running(folder) as shop:
        shop.track("Product Viewed", {"product_id": "tea-1"}, anonymousId="device")
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    from features.history import compact
    from features.log import EVENTS
    from features.snapshots import build

    compact(Log(engine, EVENTS), folder / "history", 2)
    build(folder / "history", Identities(engine).table(), folder / "features", NOW + timedelta(minutes=1))
    engine.dispose()
    report = recommend(settings(folder), "email", tmp_path / "out.csv", 3, "en", NOW, True, lambda _done, _total: None)
    assert report.customers == CUSTOMERS + 1
    assert [anonymous for _, user, anonymous in shown(folder) if user is None] == ["device"]


def test_mistakes_name_the_way_out(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.parquet or \.csv"):
        run(folder, tmp_path / "out.xlsx")
    with pytest.raises(ValueError, match="no placement 'moon'; there are home, "):
        run(folder, tmp_path / "out.csv", "moon")
    with pytest.raises(LookupError, match="python -m pipelines promote"):
        run(folder, tmp_path / "out.csv", mlflow_uri=f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(FileNotFoundError, match="features build"):
        run(folder, tmp_path / "out.csv", feature_data=tmp_path / "nothing")
    assert not list(tmp_path.glob("out.*"))


def test_nobody_who_is_suppressed_or_does_not_want_to_be_known_is_in_the_file(folder: Path, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    known = sorted(set(pq.read_table(run(folder, tmp_path / "all.parquet").file)["customer_id"].to_pylist()))
    suppressed, withdrawn = known[:2]
    Suppressions(engine, secret_in(folder / "privacy.key")).add(Person(suppressed, (suppressed,), ()), NOW)
    word = Body(channel="web", purpose=PURPOSE, consent="withdrawn")
    event = Event(
        message_id="w", type="consent_changed", occurred_at=NOW, received_at=NOW, user_id=withdrawn, body=word
    )
    Log(engine, EVENTS).append([to_record(event)])
    engine.dispose()
    out = tmp_path / "left.parquet"
    recommend(settings(folder), "email", out, 3, "en", NOW, False, lambda _done, _total: None)
    assert sorted(set(pq.read_table(out)["customer_id"].to_pylist())) == known[2:]


def test_nor_is_a_row_of_another_id_that_was_joined_to_them_since_the_table_was_made(
    folder: Path, tmp_path: Path
) -> None:
    """Though the links of these aliases are in the log alone."""
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    known = sorted(set(pq.read_table(run(folder, tmp_path / "all.parquet").file)["customer_id"].to_pylist()))
    Suppressions(engine, secret_in(folder / "privacy.key")).add(Person(known[2], (known[2],), ()), NOW)
    bodies = [
        ("consent_changed", known[3], Body(channel="web", purpose=PURPOSE, consent="withdrawn")),
        ("aliased", known[2], Body(previous_id=known[0])),
        ("aliased", known[1], Body(previous_id=known[3])),
    ]
    events = [
        Event(message_id=kind + user, type=kind, occurred_at=NOW, received_at=NOW, user_id=user, body=body)
        for kind, user, body in bodies
    ]
    Log(engine, EVENTS).append([to_record(event) for event in events])
    engine.dispose()
    out = tmp_path / "left.parquet"
    recommend(settings(folder), "email", out, 3, "en", NOW, False, lambda _done, _total: None)
    assert sorted(set(pq.read_table(out)["customer_id"].to_pylist())) == known[4:]
