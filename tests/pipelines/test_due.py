"""The file of who is due holds everybody who is, once, the likeliest first, and nobody who has just been served."""

import json
import weakref
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from features.database import open_database
from features.decisions import RESTOCK_CART, PreparedCart
from features.events import Body, Event
from features.log import DECISIONS, EVENTS, Log, to_record
from features.person import Person
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from models.registry import Registry
from pipelines import due_part
from pipelines.due import DueReport, Wanted, due
from pipelines.settings import Settings
from serving.restock.due import Due, cart_for
from tests.serving.restock.world import LAPSED, MILKS, ONCE, UNTIL, WEEKLY, build_world, order
from tests.serving.world import NOW, copy_world

TOMORROW = UNTIL.date() + timedelta(days=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    build_world(folder)
    return folder


@pytest.fixture
def folder(shop: Path, tmp_path: Path) -> Path:
    return copy_world(shop, tmp_path / "shop")


def run(folder: Path, out: Path, wanted: Wanted = Wanted(), log: bool = False) -> DueReport:  # noqa: B008 - frozen
    settings = Settings(
        database_url=f"sqlite:///{folder / 'kairos.db'}",
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
        feature_data=folder / "features",
        privacy_key=folder / "privacy.key",
    )
    return due(settings, Registry(settings.mlflow_uri), out, wanted, "en", None, NOW, log, lambda _done, _total: None)


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    return found


def test_the_weekly_ones_are_due_within_the_week(folder: Path, tmp_path: Path) -> None:
    report = run(folder, tmp_path / "due.parquet")
    found = rows(tmp_path / "due.parquet")
    assert (report.first, report.last) == (TOMORROW, TOMORROW + timedelta(days=6))
    assert report.customers == len(found)
    assert {row["customer_id"] for row in found} == set(WEEKLY)
    assert report.items == sum(len(row["cart"]) for row in found)
    for row in found:
        assert row["probability"] >= 0.5
        assert report.first <= row["due_at"] <= report.last
        milk = next(item for item in row["cart"] if item["item_id"] in MILKS)
        assert (milk["quantity"], milk["price"], milk["currency"]) == (2, "1.20", "EUR")
        assert (row["cart_id"], row["link_token"]) == (None, None), "nothing was logged, so no link opens"


def test_the_likeliest_come_first_and_a_limit_keeps_them(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "all.parquet", Wanted(least=0.0))
    run(folder, tmp_path / "some.parquet", Wanted(least=0.0, limit=3))
    whole, some = (rows(tmp_path / name) for name in ("all.parquet", "some.parquet"))
    chances = [row["probability"] for row in whole]
    assert chances == sorted(chances, reverse=True)
    assert len({row["customer_id"] for row in whole}) == len(whole)
    assert LAPSED not in {row["customer_id"] for row in whole[: len(WEEKLY)]}
    assert ONCE not in {row["customer_id"] for row in whole}
    assert [row["customer_id"] for row in some] == [row["customer_id"] for row in whole[:3]]


def test_both_kinds_of_file_say_the_same(folder: Path, tmp_path: Path) -> None:
    for name in ("due.parquet", "due.csv"):
        run(folder, tmp_path / name)
    table = pyarrow.csv.read_csv(tmp_path / "due.csv").to_pylist()
    for line, row in zip(table, rows(tmp_path / "due.parquet"), strict=True):
        assert line["customer_id"] == row["customer_id"]
        assert json.loads(line["cart"]) == row["cart"]
        assert f"{line['total']:.2f}" == row["total"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["due.csv", "due.parquet", "shop"]


def test_whoever_has_just_bought_is_forecast_anew_and_nobody_else(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "before.parquet")
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    Log(engine, EVENTS).append([to_record(order(WEEKLY[5], UNTIL + timedelta(minutes=1), "now", milk_b=2.0))])
    engine.dispose()
    run(folder, tmp_path / "after.parquet")
    before, after = (
        {row["customer_id"]: (row["probability"], row["due_at"]) for row in rows(tmp_path / name)}
        for name in ("before.parquet", "after.parquet")
    )
    assert before.pop(WEEKLY[5]) != after.pop(WEEKLY[5], None)
    assert before == after


def test_nobodys_curves_are_kept_longer_than_it_takes_to_prepare_the_cart(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[Any]] = []
    most: list[int] = []

    def watched(one: Due, *args: Any) -> Any:
        alive.append(weakref.ref(one))
        most.append(sum(ref() is not None for ref in alive))
        return cart_for(one, *args)

    monkeypatch.setattr(due_part, "cart_for", watched)
    monkeypatch.setattr(due_part, "_BATCH", 2)
    run(folder, tmp_path / "due.parquet")
    assert len(most) == len(WEEKLY)
    assert max(most) <= 3


def test_carts_that_are_logged_can_be_opened(folder: Path, tmp_path: Path) -> None:
    report = run(folder, tmp_path / "due.parquet", Wanted(limit=2), log=True)
    assert report.logged
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    kept = {record.key: record for record in Log(engine, DECISIONS).read(0, 100)}
    engine.dispose()
    found = rows(tmp_path / "due.parquet")
    assert set(kept) == {row["cart_id"] for row in found}
    for row in found:
        record = kept[row["cart_id"]]
        assert (record.type, record.user_id) == (RESTOCK_CART, row["customer_id"])
        cart = msgspec.json.decode(record.payload, type=PreparedCart)
        assert [item.product_id for item in cart.items] == [item["item_id"] for item in row["cart"]]
        assert row["link_token"] not in record.payload


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(first=UNTIL.date()), "a window lies from"),
        (Wanted(last=TOMORROW - timedelta(days=1)), "a window lies from"),
        (Wanted(first=date(2100, 1, 1)), "a window lies from"),
    ],
    ids=["today", "ends before it begins", "too far"],
)
def test_a_window_that_nobody_can_speak_of_is_refused(folder: Path, tmp_path: Path, wanted: Wanted, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        run(folder, tmp_path / "due.csv", wanted)
    assert not list(tmp_path.glob("due*"))


def test_what_is_missing_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.parquet or \.csv"):
        run(folder, tmp_path / "due.json")
    for path in (folder / "features" / "restock").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="restock score"):
        run(folder, tmp_path / "due.csv")


def test_nobody_who_is_suppressed_is_in_the_file(folder: Path, tmp_path: Path) -> None:
    before = {row["customer_id"] for row in rows(run(folder, tmp_path / "before.parquet").file)}
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    gone = min(before)
    Suppressions(engine, secret_in(folder / "privacy.key")).add(Person(gone, (gone,), ()), NOW)
    after = {row["customer_id"] for row in rows(run(folder, tmp_path / "after.parquet").file)}
    assert after == before - {gone}


@pytest.mark.parametrize("purpose", ["personalization", None], ids=["does not want to be known", "left every channel"])
def test_who_said_no_is_in_no_file_after_the_next_order_either(
    folder: Path, tmp_path: Path, purpose: str | None
) -> None:
    engine, gone = open_database(f"sqlite:///{folder / 'kairos.db'}"), WEEKLY[5]

    def listed(name: str, *events: Event) -> set[str]:
        Log(engine, EVENTS).append([to_record(one) for one in events])
        return {row["customer_id"] for row in rows(run(folder, tmp_path / f"{name}.parquet").file)}

    def word(consent: str, minutes: int) -> Event:
        at = UNTIL + timedelta(minutes=minutes)
        left = purpose is None and consent == "withdrawn"
        body = Body() if left else Body(channel="web", purpose=purpose, consent=consent)
        return Event(
            message_id=f"{consent}-{minutes}",
            type="unsubscribed" if left else "consent_changed",
            occurred_at=at,
            received_at=at,
            user_id=gone,
            body=body,
        )

    assert gone in listed("before")
    assert listed("no", word("withdrawn", 2)) == set(WEEKLY) - {gone}
    late = order(gone, UNTIL - timedelta(days=8), "late", milk_a=2.0)
    assert listed("ordered", late, word("granted", 1)) == set(WEEKLY) - {gone}
    assert gone in listed("yes", word("granted", 3))
    engine.dispose()
